import { gunzipSync, gzipSync } from 'node:zlib';
import Type from 'typebox';
import { jsonReader } from '../../parse.ts';
import { Problem } from '../../problem.ts';
import type { PolicyDocument } from '../policy-digest.ts';
import { BundleContent } from './evidence-bundle.ts';

const Policy = Type.Array(
  Type.Object(
    { collection: Type.String({ maxLength: 256 }), name: Type.String({ maxLength: 512 }), body: Type.Unknown() },
    { additionalProperties: false },
  ),
  { maxItems: 100_000 },
);

/** An evidence bundle as one file: gzip of JSON. */
export const BundleFile = Type.Object(
  {
    v: Type.Literal(1),
    /** Compact JWS; see `BundleStatement`. */
    statement: Type.String({ maxLength: 8 * 1024 * 1024 }),
    content: BundleContent,
    /** The documents of the policy of that day; left out where they are stored beside. */
    policy: Type.Optional(Policy),
    /** CA of the group in PEM. Believed only when it is the one that the reader expects. */
    ca: Type.Optional(Type.String({ maxLength: 16384 })),
  },
  { additionalProperties: false },
);
export type BundleFile = Type.Static<typeof BundleFile>;

/** Largest bundle once unpacked, in bytes: two logs of full size in base64url, and the base images of a large site. */
export const maxBundleBytes = 128 * 1024 * 1024;

export const packBundle = (bundle: BundleFile): Uint8Array => gzipSync(JSON.stringify(bundle));

const read = jsonReader('evidence bundle', BundleFile);
const readDocuments = jsonReader('policy documents', Policy);

/**
 * Unpacks a bundle; nothing of it is believed by that.
 * @throws {Problem} `input.malformed`, `input.invalid` naming the field, `input.too-large` when it unpacks to more than
 *   `limit` bytes
 */
export const unpackBundle = (bytes: Uint8Array, limit = maxBundleBytes): BundleFile => read(unpack(bytes, limit));

export const packPolicy = (documents: readonly PolicyDocument[]): Uint8Array => gzipSync(JSON.stringify(documents));

/** @throws {Problem} as `unpackBundle` */
export const unpackPolicy = (bytes: Uint8Array): PolicyDocument[] => readDocuments(unpack(bytes, maxBundleBytes));

function unpack(bytes: Uint8Array, limit: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(gunzipSync(bytes, { maxOutputLength: limit }));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new Problem('input.too-large', `evidence bundle: more than ${limit} bytes when unpacked`, { cause });
    throw new Problem('input.malformed', `evidence bundle: not gzip of UTF-8 text: ${(cause as Error).message}`, {
      cause,
    });
  }
}
