import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { equalBytes } from '@vouchsafe/bytes/equal';
import { Secret } from '@vouchsafe/bytes/secret';
import { CompactEncrypt, compactDecrypt } from 'jose';
import Type from 'typebox';
import { jsonReader } from '../parse.ts';
import { Problem } from '../problem.ts';
import { type KeyReference, Uuid } from './reference.ts';

const closed = { additionalProperties: false } as const;
const Digest = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' });

/** One protected component of a VM: a disk, its vTPM, or its home. */
export const KeySafePart = Type.Object(
  {
    /** Name in the domain: the target of a disk (`vda`), `vtpm`, `home`. */
    id: Type.String({ minLength: 1, maxLength: 64 }),
    kind: Type.Union([Type.Literal('disk'), Type.Literal('vtpm'), Type.Literal('home')]),
    /** UUID of the LUKS header and of the libvirt secret. */
    luks: Uuid,
    /** Number of the KEK that wraps the key. */
    kek: Type.Integer({ minimum: 0, maximum: 1 }),
    /** The DEK: compact JWE, `dir` with A256GCM under the KEK. */
    key: Type.String({ maxLength: 2048 }),
  },
  closed,
);
export type KeySafePart = Type.Static<typeof KeySafePart>;

const n = Type.Integer({ minimum: 0, maximum: 1 });
const Ciphertext = Type.String({ maxLength: 4096 });

/** A KEK of the safe: its number and the reference that opens it. */
const KekEntry = Type.Union([
  Type.Object({ n, kind: Type.Literal('trusted'), prv: Uuid, ct: Ciphertext }, closed),
  Type.Object({ n, kind: Type.Literal('native'), prv: Uuid, ct: Ciphertext }, closed),
  Type.Object({ n, kind: Type.Literal('standard'), prv: Uuid, id: Type.String({ maxLength: 256 }) }, closed),
]);

/** The key safe of a VM, as JSON text in the domain's metadata. `mac` is the last member. */
export const KeySafe = Type.Object(
  {
    v: Type.Literal(1),
    /** UUID of the domain. */
    vm: Uuid,
    /** Counts up with every change. */
    gen: Type.Integer({ minimum: 1 }),
    /** Security profile that the safe is bound to: version and SHA-256, base64url. */
    bound: Type.Object({ v: Type.Literal(1), h: Digest }, closed),
    /** Two only while a re-encryption goes on. */
    keks: Type.Array(KekEntry, { minItems: 1, maxItems: 2 }),
    parts: Type.Array(KeySafePart, { minItems: 1, maxItems: 64 }),
    mac: Type.Array(Type.Object({ kek: n, v: Digest }, closed), { minItems: 1, maxItems: 2 }),
  },
  closed,
);
export type KeySafe = Type.Static<typeof KeySafe>;

/** Longest key safe that is read, in characters. */
export const maxKeySafe = 256 * 1024;
const dekBytes = 64;

/** A KEK that is open: its number in the safe, its reference, its key. */
export interface OpenKek {
  readonly n: number;
  readonly reference: KeyReference;
  readonly key: KeyObject;
}

/** A component and its DEK in the clear, before it is wrapped. */
export interface PlainPart extends Omit<KeySafePart, 'key'> {
  readonly dek: Secret;
}

export interface KeySafeContent {
  readonly vm: string;
  readonly gen: number;
  readonly bound: KeySafe['bound'];
  readonly keks: readonly OpenKek[];
  readonly parts: readonly PlainPart[];
}

/** Writes a key safe: every DEK wrapped by its KEK, and a MAC by each KEK over the text without the MACs. */
export async function writeKeySafe({ vm, gen, bound, keks, parts }: KeySafeContent): Promise<string> {
  const wrapped = await Promise.all(parts.map((part) => wrapPart({ vm, gen }, part, kekOf(keks, part.kek))));
  const entries = keks.map((kek) => ({ n: kek.n, ...kek.reference }));
  const octets = JSON.stringify({ v: 1, vm, gen, bound, keks: entries, parts: wrapped });
  const mac = keks.map((kek) => ({ kek: kek.n, v: macOf(kek.key, octets).toString('base64url') }));
  return `${octets.slice(0, -1)}${macMark}${JSON.stringify(mac)}}`;
}

const readJson = jsonReader('key safe', KeySafe);

/**
 * Reads a key safe; only its form is checked, nothing in it is proven until `verifyKeySafe`.
 * @throws {Problem} `keysafe.invalid`
 */
export function readKeySafe(text: string): KeySafe {
  if (text.length > maxKeySafe)
    throw new Problem('keysafe.invalid', `the key safe is longer than ${maxKeySafe} characters`);
  try {
    const safe = readJson(text);
    octetsOf(text);
    return safe;
  } catch (cause) {
    throw new Problem('keysafe.invalid', (cause as Error).message, { cause });
  }
}

/**
 * Checks that a holder of the KEK wrote exactly this text.
 * @throws {Problem} `keysafe.invalid`
 */
export function verifyKeySafe(text: string, safe: KeySafe, kek: OpenKek): void {
  const stated = safe.mac.find((mac) => mac.kek === kek.n);
  // Compared as text: a MAC has one spelling.
  const expected = Buffer.from(macOf(kek.key, octetsOf(text)).toString('base64url'));
  if (stated === undefined || !equalBytes(Buffer.from(stated.v), expected)) {
    throw new Problem('keysafe.invalid', 'the key safe was changed: its MAC does not hold under its own KEK');
  }
}

/**
 * Unwraps the DEK of a part. Its header binds it to VM, component, LUKS UUID, provider and generation, so a part that
 * was moved from another safe or swapped with a sibling does not open.
 * @throws {Problem} `keysafe.invalid`
 */
export async function openPart(safe: KeySafe, part: KeySafePart, kek: OpenKek): Promise<Secret> {
  const { plaintext, protectedHeader } = await unwrap(part, kek.key);
  const dek = Secret.take(plaintext);
  const expected = partHeader({ vm: safe.vm, gen: safe.gen }, part, kek.reference.prv);
  const same = Object.entries(expected).every(([name, value]) => protectedHeader[name] === value);
  if (same && dek.length === dekBytes) return dek;
  dek[Symbol.dispose]();
  throw new Problem('keysafe.invalid', `${part.id}: its key was made for another VM, disk or generation`);
}

const macMark = ',"mac":';

/** The octets that the MAC covers: the text without its last member. */
function octetsOf(text: string): string {
  const at = text.lastIndexOf(macMark);
  if (at < 0) throw new Problem('keysafe.invalid', 'mac: expected as the last member, without white space');
  return `${text.slice(0, at)}}`;
}

function macOf(kek: KeyObject, octets: string): Buffer {
  const key = createSecretKey(new Uint8Array(hkdfSync('sha256', kek, '', 'vouchsafe/keysafe-mac/1', 32)));
  return createHmac('sha256', key).update(octets).digest();
}

type Owner = Pick<KeySafe, 'vm' | 'gen'>;

const partHeader = ({ vm, gen }: Owner, { id, luks }: Pick<KeySafePart, 'id' | 'luks'>, prv: string) =>
  ({ alg: 'dir', enc: 'A256GCM', typ: 'vs-dek+jwe', vm, id, luks, prv, gen }) as const;

async function wrapPart(owner: Owner, { dek, ...part }: PlainPart, kek: OpenKek): Promise<KeySafePart> {
  const header = partHeader(owner, part, kek.reference.prv);
  const key = await dek.use((bytes) => new CompactEncrypt(bytes).setProtectedHeader(header).encrypt(kek.key));
  return { ...part, key };
}

async function unwrap(part: KeySafePart, kek: KeyObject) {
  try {
    const options = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] };
    return await compactDecrypt(part.key, kek, options);
  } catch (cause) {
    throw new Problem('keysafe.invalid', `${part.id}: its key does not open with the KEK of the safe`, { cause });
  }
}

function kekOf(keks: readonly OpenKek[], wanted: number): OpenKek {
  const kek = keks.find((each) => each.n === wanted);
  if (kek === undefined) throw new TypeError(`no KEK number ${wanted}`);
  return kek;
}
