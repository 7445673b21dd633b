import {
  asynchronousIndicator,
  attestationType,
  batchErrorContinuationOption,
  credentialType,
  operation,
  resultReason,
  resultStatus,
} from './enums.ts';
import { peekVersion } from './peek-version.ts';
import { tags } from './tags.ts';
import type { Item, ValueOf } from './ttlv/item.ts';
import { itemTypes } from './ttlv/item-type.ts';
import { lazy } from './ttlv/lazy.ts';
import { boolean, bytes, dateTime, enumeration, integer, openEnumeration, text } from './ttlv/scalars.ts';
import { byMajor, optional, repeated, since, structure } from './ttlv/structure.ts';
import { rankOfNumbers } from './ttlv/vocabulary.ts';

/** KMIP 1.4, 6.1. */
export const ProtocolVersion = structure('Protocol Version', {
  major: integer('Protocol Version Major'),
  minor: integer('Protocol Version Minor'),
});
export type ProtocolVersion = ValueOf<typeof ProtocolVersion>;

/** A message, read and written in the words of the version that its header states. */
function inItsVersion<T extends { readonly header: { readonly version: ProtocolVersion } }>(of: Item<T>): Item<T> {
  return {
    ...of,
    read(reader, at, length) {
      const stated = peekVersion(reader.bytes);
      if (stated !== undefined) reader.rank = rankOfNumbers(stated.major, stated.minor);
      return of.read(reader, at, length);
    },
    write(writer, message) {
      const { major, minor } = message.header.version;
      writer.rank = rankOfNumbers(major, minor);
      of.write(writer, message);
    },
  };
}

/** KMIP 1.4, 2.1.2: who the client says it is. What the value holds depends on the type. */
export const Credential = structure('Credential', {
  type: openEnumeration('Credential Type', credentialType),
  value: lazy('Credential Value'),
});

/** KMIP 1.4, 6.6. */
export const Authentication = structure('Authentication', { credentials: repeated(Credential, 8) });

/** KMIP 1.4, 6.16. */
export const MessageExtension = structure('Message Extension', {
  vendor: text('Vendor Identification', 256),
  critical: boolean('Criticality Indicator'),
  content: lazy('Vendor Extension'),
});

/** From 2.0 on, whether the answer must come later; otherwise it comes at once, which a client may ask for too. */
const AsynchronousIndicator: Item<boolean> = {
  name: 'Asynchronous Indicator',
  tag: tags['Asynchronous Indicator'],
  type: itemTypes.Enumeration.code,
  read: (reader, at) => reader.bytes.readUInt32BE(at) === asynchronousIndicator.Mandatory,
  write(writer, must) {
    const at = writer.item(tags['Asynchronous Indicator'], itemTypes.Enumeration.code, 4);
    writer.bytes.writeUInt32BE(must ? asynchronousIndicator.Mandatory : asynchronousIndicator.Prohibited, at);
  },
};

/** KMIP 1.4, 7.2, table 255. */
export const RequestHeader = structure('Request Header', {
  version: ProtocolVersion,
  maximumResponseSize: optional(integer('Maximum Response Size')),
  clientCorrelation: since('1.4', optional(text('Client Correlation Value', 256))),
  serverCorrelation: since('1.4', optional(text('Server Correlation Value', 256))),
  asynchronous: byMajor(optional(boolean('Asynchronous Indicator')), optional(AsynchronousIndicator)),
  attestationCapable: since('1.2', optional(boolean('Attestation Capable Indicator'))),
  attestationTypes: since('1.2', repeated(openEnumeration('Attestation Type', attestationType), 16)),
  authentication: optional(Authentication),
  onError: optional(enumeration('Batch Error Continuation Option', batchErrorContinuationOption)),
  inOrder: optional(boolean('Batch Order Option')),
  time: optional(dateTime('Time Stamp')),
  batchCount: integer('Batch Count'),
});
export type RequestHeader = ValueOf<typeof RequestHeader>;

/** KMIP 1.4, 6.4: names a batch item within its message. */
const anyId = bytes('Unique Batch Item ID');
const batchItemId: typeof anyId = {
  ...anyId,
  read(reader, at, length) {
    const most = reader.limits.batchItemId;
    if (length > most) reader.fail('malformed', anyId.tag, at, `${length} bytes, limit ${most}`);
    return anyId.read(reader, at, length);
  },
};

/** KMIP 1.4, 7.2, table 256. */
export const RequestItem = structure('Batch Item', {
  operation: openEnumeration('Operation', operation),
  /** The client does not want the data that the operation makes. */
  ephemeral: since('2.0', optional(boolean('Ephemeral'))),
  id: optional(batchItemId),
  payload: lazy('Request Payload'),
  extension: optional(MessageExtension),
});
export type RequestItem = ValueOf<typeof RequestItem>;

/** KMIP 1.4, 7.1. */
export const RequestMessage = inItsVersion(
  structure('Request Message', { header: RequestHeader, items: repeated(RequestItem, 'batch') }),
);
export type RequestMessage = ValueOf<typeof RequestMessage>;

const nonce = structure('Nonce', { id: bytes('Nonce ID', 256), value: bytes('Nonce Value', 256) });

/** KMIP 1.4, 7.2, table 257. */
export const ResponseHeader = structure('Response Header', {
  version: ProtocolVersion,
  time: dateTime('Time Stamp'),
  nonce: since('1.2', optional(nonce)),
  hashedPassword: since('2.0', optional(bytes('Server Hashed Password', 1024))),
  attestationTypes: since('1.2', repeated(openEnumeration('Attestation Type', attestationType), 16)),
  clientCorrelation: since('1.4', optional(text('Client Correlation Value', 256))),
  serverCorrelation: since('1.4', optional(text('Server Correlation Value', 256))),
  batchCount: integer('Batch Count'),
});
export type ResponseHeader = ValueOf<typeof ResponseHeader>;

/** What a version is told instead of a reason that came later: the nearest of its own. */
const nearest: Readonly<Record<string, keyof typeof resultReason>> = {
  'Encoding Option Error': 'Invalid Field',
  'Key Value Not Present': 'Illegal Operation',
  'Attestation Required': 'Permission Denied',
  'Attestation Failed': 'Permission Denied',
  Sensitive: 'Permission Denied',
  'Not Extractable': 'Permission Denied',
  'Object Already Exists': 'Illegal Operation',
  'Read Only Attribute': 'Permission Denied',
  'Attribute Read Only': 'Permission Denied',
  'Object Destroyed': 'Item Not Found',
};

const anyReason = openEnumeration('Result Reason', resultReason);

/** KMIP 1.4, 6.9. */
const ResultReason: typeof anyReason = {
  ...anyReason,
  write(writer, reason) {
    const spoken = anyReason.fits?.(reason, writer.rank) ?? true;
    anyReason.write(writer, spoken ? reason : (nearest[reason] ?? 'General Failure'));
  },
  fits: () => true,
};

/** KMIP 1.4, 7.2, table 258. The operation is left out when the request could not be read so far. */
export const ResponseItem = structure('Batch Item', {
  operation: optional(openEnumeration('Operation', operation)),
  id: optional(batchItemId),
  status: enumeration('Result Status', resultStatus),
  reason: optional(ResultReason),
  message: optional(text('Result Message', 4096)),
  asynchronousCorrelation: optional(bytes('Asynchronous Correlation Value', 256)),
  payload: optional(lazy('Response Payload')),
  extension: optional(MessageExtension),
});
export type ResponseItem = ValueOf<typeof ResponseItem>;

/** KMIP 1.4, 7.1. */
export const ResponseMessage = inItsVersion(
  structure('Response Message', { header: ResponseHeader, items: repeated(ResponseItem, 'batch') }),
);
export type ResponseMessage = ValueOf<typeof ResponseMessage>;
