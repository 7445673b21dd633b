import { pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import { Secret } from '@vouchsafe/bytes/secret';
import type { CryptographicParameters as Parameters } from '@vouchsafe/kmip/cryptographic-parameters';
import type { derivationMethod } from '@vouchsafe/kmip/enums';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { encrypt } from './block-cipher.ts';
import { digest, hashFacts, hmac } from './hashes.ts';

/** What a key is derived from besides a key or password: the Derivation Parameters of KMIP 1.4, 4.6. */
export interface Derivation {
  readonly method: keyof typeof derivationMethod;
  readonly parameters: Parameters;
  readonly iv?: Uint8Array | undefined;
  readonly data?: Uint8Array | undefined;
  readonly salt?: Uint8Array | undefined;
  readonly iterations?: number | undefined;
}

type Derive = (base: Secret, derivation: Derivation, octets: number) => Promise<Buffer> | Buffer;

/** One derivation must not keep a core busy for long: iterations of PBKDF2, times the digests that the key is made of. */
const mostIterations = 5_000_000;
/** Octets that are hashed where each digest of the key is one over all data. */
const mostHashed = 4_194_304;

/** The methods of KMIP 1.4, 4.6, that are carried out here. */
const methods: Partial<Record<Derivation['method'], Derive>> = {
  /** RFC 8018, 5.2. */
  PBKDF2: (base, { parameters, salt, iterations }, octets) => {
    if (salt === undefined) throw invalid('Salt: is missing');
    if (iterations === undefined || iterations < 1 || iterations > mostIterations)
      throw invalid(`Iteration Count: ${iterations ?? 'missing'}, expected 1 to ${mostIterations}`);
    const { node, size } = hashFacts(parameters.hash);
    const digests = Math.ceil(octets / size);
    if (iterations * digests > mostIterations)
      throw invalid(
        `Iteration Count: ${iterations} for ${octets} octets, limit ${Math.floor(mostIterations / digests)}`,
      );
    return base.use((password) => promisify(pbkdf2)(password, salt, iterations, octets, node));
  },
  /** The digest of the key. A digest of the data alone would not depend on the key. */
  HASH: (base, { parameters, data }) => {
    if (data !== undefined) throw invalid('Derivation Data: HASH derives from the key alone');
    return base.use((key) => digest(parameters.hash, key));
  },
  HMAC: (base, { parameters, data }) => hmac(parameters.hash, base, required(data)),
  ENCRYPT: (base, { parameters, data, iv }) => {
    const { data: encrypted } = encrypt(base, { parameters, data: required(data), iv });
    return encrypted;
  },
  /** NIST SP 800-108, 5.1: counter mode with a counter of 32 bits before the fixed input, which is the data. */
  'NIST800 - 108 - C': (base, { parameters, data }, octets) => {
    const fixed = required(data);
    const rounds = roundsOf(parameters, octets, fixed);
    return Buffer.concat(Array.from({ length: rounds }, (_, i) => hmac(parameters.hash, base, counter(i + 1), fixed)));
  },
  /** NIST SP 800-108, 5.2: feedback mode without IV and counter. */
  'NIST800 - 108 - F': (base, { parameters, data, iv }, octets) => {
    const fixed = required(data);
    const rounds = roundsOf(parameters, octets, fixed);
    const blocks: Buffer[] = [];
    for (let i = 0; i < rounds; i++)
      blocks.push(hmac(parameters.hash, base, blocks.at(-1) ?? iv ?? Buffer.alloc(0), counter(i + 1), fixed));
    return Buffer.concat(blocks);
  },
};

/** Derives so many octets from a key or password. @throws {OperationError} */
export async function derive(base: Secret, derivation: Derivation, octets: number): Promise<Secret> {
  const method = methods[derivation.method];
  if (method === undefined)
    throw invalid(`Derivation Method: ${derivation.method}, expected one of ${Object.keys(methods).join(', ')}`);
  const derived = await method(base, derivation, octets);
  try {
    if (derived.length < octets)
      throw new OperationError(
        'Cryptographic Failure',
        `${derivation.method} gives ${derived.length} octets, ${octets} are needed`,
      );
    return Secret.take(Uint8Array.from(derived.subarray(0, octets)));
  } finally {
    derived.fill(0);
  }
}

/** Digests that make so many octets. @throws {OperationError} when the data are too long for so many of them */
function roundsOf({ hash }: Parameters, octets: number, data: Uint8Array): number {
  const rounds = Math.ceil(octets / hashFacts(hash).size);
  if (rounds * data.length > mostHashed)
    throw invalid(
      `Derivation Data: ${data.length} octets for a key of ${octets}, limit ${Math.floor(mostHashed / rounds)}`,
    );
  return rounds;
}

function counter(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets;
}

function required(data: Uint8Array | undefined): Uint8Array {
  if (data === undefined) throw invalid('Derivation Data: is missing');
  return data;
}

const invalid = (why: string) => new OperationError('Invalid Field', why);
