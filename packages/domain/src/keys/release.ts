import Type from 'typebox';
import { jsonReader } from '../parse.ts';
import { KeyUses, Uuid } from './reference.ts';
import { untrusted } from './signed-answer.ts';

const closed = { additionalProperties: false } as const;
const Ciphertext = Type.String({ maxLength: 4096 });
const frame = {
  aud: Type.String({ maxLength: 128 }),
  req: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
  iat: Type.Integer(),
};

/** The operations of the Key Provider Service for hosts. */
export const releaseOperations = ['generate-key', 'decrypt', 'rewrap'] as const;
export type ReleaseOperation = (typeof releaseOperations)[number];

/** One request carries up to 100 items under one proof and gets one signed answer. */
export const ReleaseRequest = Type.Object(
  {
    items: Type.Array(Type.Object({ prv: Uuid, ct: Type.Optional(Ciphertext) }, closed), {
      minItems: 1,
      maxItems: 100,
    }),
  },
  closed,
);
export type ReleaseRequest = Type.Static<typeof ReleaseRequest>;
export const readReleaseRequest = jsonReader('release request', ReleaseRequest);

/** One item of an answer, in the order of the request: a key sealed to the token's key, or the problem's kind. */
export const ReleaseItem = Type.Object(
  {
    prv: Uuid,
    ct: Type.Optional(Ciphertext),
    key: Type.Optional(Type.String({ maxLength: 2048 })),
    uses: Type.Optional(KeyUses),
    problem: Type.Optional(Type.String({ maxLength: 64 })),
    detail: Type.Optional(Type.String({ maxLength: 512 })),
  },
  closed,
);
export type ReleaseItem = Type.Static<typeof ReleaseItem>;

/** The answer to a release request, before it is signed. */
export const ReleaseAnswer = Type.Object(
  {
    op: Type.Union([Type.Literal('generate-key'), Type.Literal('decrypt'), Type.Literal('rewrap')]),
    items: Type.Array(ReleaseItem, { minItems: 1, maxItems: 100 }),
    ...frame,
  },
  closed,
);
export type ReleaseAnswer = Type.Static<typeof ReleaseAnswer>;
export const readReleaseAnswer = jsonReader('release answer', ReleaseAnswer);

/** The key providers that a host may use, by name. */
export const ProvidersAnswer = Type.Object(
  {
    op: Type.Literal('list-providers'),
    providers: Type.Array(Type.Object({ prv: Uuid, name: Type.String({ maxLength: 256 }), uses: KeyUses }, closed), {
      maxItems: 1000,
    }),
    ...frame,
  },
  closed,
);
export type ProvidersAnswer = Type.Static<typeof ProvidersAnswer>;
export const readProvidersAnswer = jsonReader('list of providers', ProvidersAnswer);

/**
 * Checks that the items of an answer are those that were asked for, in their order.
 * @throws {Problem} `service.untrusted`
 */
export function checkItems({ op, items }: ReleaseAnswer, asked: ReleaseRequest['items']): void {
  const same = (item: ReleaseItem, i: number) =>
    item.prv === asked[i]?.prv && (op !== 'decrypt' || item.ct === asked[i]?.ct);
  if (items.length !== asked.length || !items.every(same))
    throw untrusted('its items are not those that were asked for');
}
