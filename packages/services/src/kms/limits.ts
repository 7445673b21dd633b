import { type TtlvLimits, limits as ttlv } from '@vouchsafe/kmip/limits';
import Type from 'typebox';

/** What peers may cost. Times are milliseconds. */
export interface KmsLimits {
  /** From the connection to the end of the TLS handshake. */
  readonly handshake: number;
  /** Without a message. */
  readonly idle: number;
  /** From the first octet of a message to its last. */
  readonly message: number;
  /** For a peer that no client certificate vouches for, from the handshake to its one message. */
  readonly stranger: number;
  /** For a peer to take an answer. */
  readonly answer: number;
  /** Octets of one message. */
  readonly messageSize: number;
  /** Batch items of one message. */
  readonly batchItems: number;
  /** Items of one message, structures included. */
  readonly items: number;
  /** Structures inside one another. */
  readonly depth: number;
  /** Attributes of one list. */
  readonly attributes: number;
  /** Octets of the value of a custom attribute. */
  readonly attributeValue: number;
  /** Octets of a text. */
  readonly text: number;
  /** Connections that are served at once. */
  readonly connections: number;
  /** Connections that wait for one of these to end. */
  readonly waiting: number;
  /** Connections of one IPv4 address, or of one IPv6 network of 64 bits. */
  readonly connectionsPerAddress: number;
}

export const defaultLimits: KmsLimits = {
  handshake: 5000,
  idle: 300_000,
  message: 10_000,
  stranger: 10_000,
  answer: 30_000,
  messageSize: ttlv.message,
  batchItems: ttlv.batch,
  items: ttlv.items,
  depth: ttlv.depth,
  attributes: ttlv.attributes,
  attributeValue: ttlv.attributeValue,
  text: ttlv.text,
  connections: 2048,
  waiting: 2048,
  connectionsPerAddress: 512,
};

const seconds = (most: number) => Type.Optional(Type.Number({ minimum: 0.1, maximum: most }));
const count = (most: number) => Type.Optional(Type.Integer({ minimum: 1, maximum: most }));

/** The limits as they stand in a file: times in seconds. */
export const LimitsConfig = Type.Object(
  {
    handshake_seconds: seconds(60),
    idle_seconds: seconds(86_400),
    message_seconds: seconds(600),
    stranger_seconds: seconds(60),
    answer_seconds: seconds(600),
    message_bytes: Type.Optional(Type.Integer({ minimum: 4096, maximum: 1_048_576 })),
    batch_items: count(ttlv.batch),
    items: Type.Optional(Type.Integer({ minimum: 64, maximum: ttlv.items })),
    depth: Type.Optional(Type.Integer({ minimum: 12, maximum: ttlv.depth })),
    attributes: Type.Optional(Type.Integer({ minimum: 32, maximum: ttlv.attributes })),
    attribute_value_bytes: Type.Optional(Type.Integer({ minimum: 64, maximum: ttlv.attributeValue })),
    text_bytes: Type.Optional(Type.Integer({ minimum: 256, maximum: ttlv.text })),
    connections: count(65_536),
    waiting: count(65_536),
    connections_per_address: count(65_536),
  },
  { additionalProperties: false },
);
export type LimitsConfig = Type.Static<typeof LimitsConfig>;

/** Each key of the file with the limit that it sets, and what its unit is in ours. */
const keys = {
  handshake_seconds: ['handshake', 1000],
  idle_seconds: ['idle', 1000],
  message_seconds: ['message', 1000],
  stranger_seconds: ['stranger', 1000],
  answer_seconds: ['answer', 1000],
  message_bytes: ['messageSize', 1],
  batch_items: ['batchItems', 1],
  items: ['items', 1],
  depth: ['depth', 1],
  attributes: ['attributes', 1],
  attribute_value_bytes: ['attributeValue', 1],
  text_bytes: ['text', 1],
  connections: ['connections', 1],
  waiting: ['waiting', 1],
  connections_per_address: ['connectionsPerAddress', 1],
} as const satisfies Record<keyof LimitsConfig, readonly [keyof KmsLimits, number]>;

/** The limits that a file sets; the others are as by default. */
export function limitsOf(given: LimitsConfig = {}): KmsLimits {
  const set = Object.entries(keys).map(([key, [limit, unit]]) => {
    const value = given[key as keyof typeof keys];
    return [limit, value === undefined ? defaultLimits[limit] : Math.round(value * unit)];
  });
  return Object.fromEntries(set) as unknown as KmsLimits;
}

/** What the codec is to hold messages to. */
export const messageLimits = (limits: KmsLimits): TtlvLimits => ({
  ...ttlv,
  message: limits.messageSize,
  batch: limits.batchItems,
  items: limits.items,
  depth: limits.depth,
  attributes: limits.attributes,
  attributeValue: limits.attributeValue,
  text: limits.text,
});
