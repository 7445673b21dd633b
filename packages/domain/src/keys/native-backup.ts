import { Secret } from '@vouchsafe/bytes/secret';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import Type from 'typebox';
import { jsonReader } from '../parse.ts';
import { Problem } from '../problem.ts';
import { derivationKeyBytes } from './native-kek.ts';
import { ProviderName } from './push.ts';
import { Uuid } from './reference.ts';

/**
 * The backup of a native provider: PKCS#12 (RFC 7292) with one SecretBag for what the provider is and one for each key
 * derivation key, told by its localKeyId. `openssl pkcs12` reads it. With a password: PBES2 with AES-256-CBC and
 * PBKDF2-HMAC-SHA-256, HMAC-SHA-256 over all; without one the keys are in the clear, and the MAC only finds damage.
 */
const About = Type.Object(
  {
    v: Type.Literal(1),
    kind: Type.Literal('vouchsafe-native-provider'),
    prv: Uuid,
    name: ProviderName,
    gen: Type.Integer({ minimum: 1, maximum: 2 ** 31 }),
    tpm_required: Type.Boolean(),
    /** Oldest first; `made` is seconds since 1970. */
    keys: Type.Array(Type.Object({ id: Uuid, made: Type.Integer() }, { additionalProperties: false }), {
      minItems: 1,
      maxItems: 32,
    }),
  },
  { additionalProperties: false },
);
export type NativeBackupAbout = Omit<Type.Static<typeof About>, 'v' | 'kind'>;

/** Keys by id. Whoever gets them disposes of them. */
export type DerivationKeys = ReadonlyMap<string, Secret>;

/** Longest file that is read, in bytes. */
export const maxBackup = 64 * 1024;
/** Rounds of both key derivations: who guesses passwords takes the cheaper way. */
export const backupRounds = 600_000;
/** Most rounds that a file may ask for. */
const maxRounds = 2_000_000;

const oids = {
  secretBag: '1.2.840.113549.1.12.10.1.5',
  /** PKCS#7 data: the octets as they are. */
  data: '1.2.840.113549.1.7.1',
  encrypted: '1.2.840.113549.1.7.6',
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  sha256: '2.16.840.1.101.3.4.2.1',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
} as const;

/**
 * Writes a backup.
 * @param password empty for a file that anybody opens
 * @param rounds of key derivation; fewer for tests only
 */
export async function writeNativeBackup(
  about: NativeBackupAbout,
  keys: DerivationKeys,
  password: Secret,
  rounds = backupRounds,
): Promise<Uint8Array<ArrayBuffer>> {
  const text = JSON.stringify({ v: 1, kind: 'vouchsafe-native-provider', ...about });
  const contents = new pkijs.SafeContents({
    safeBags: [
      secretBag(Buffer.from(text), about.name),
      ...about.keys.map(({ id }) => keys.get(id)!.use((bytes) => secretBag(bytes, `${about.name} ${id}`, id))),
    ],
  });
  const isOpen = password.length === 0;
  const safe = new pkijs.AuthenticatedSafe({
    parsedValue: { safeContents: [{ privacyMode: isOpen ? 0 : 1, value: contents }] },
  });
  return await withPassword(password, async (octets) => {
    const encryption = {
      password: octets,
      contentEncryptionAlgorithm: { name: 'AES-CBC', length: 256 },
      hmacHashAlgorithm: 'SHA-256',
      iterationCount: rounds,
    };
    await safe.makeInternalValues({ safeContents: [isOpen ? {} : encryption] });
    const pfx = new pkijs.PFX({ parsedValue: { integrityMode: 0, authenticatedSafe: safe } });
    const mac = { password: octets, iterations: rounds, pbkdf2HashAlgorithm: 'SHA-256', hmacHashAlgorithm: 'SHA-256' };
    await pfx.makeInternalValues(mac);
    return new Uint8Array(pfx.toSchema().toBER());
  });
}

/**
 * Reads a backup.
 * @throws {Problem} `input.malformed` when it is no such file, `input.invalid` when the password is not the one
 */
export async function readNativeBackup(
  file: Uint8Array,
  password: Secret,
): Promise<{ readonly about: NativeBackupAbout; readonly keys: DerivationKeys }> {
  if (file.length > maxBackup) throw malformed(`it is longer than ${maxBackup} bytes`);
  const pfx = parsed(() => pkijs.PFX.fromBER(Uint8Array.from(file)));
  const safe = parsed(() => safeOf(pfx));
  const contents = await withPassword(password, async (octets) => {
    await pfx.parseInternalValues({ password: octets, checkIntegrity: true }).catch((cause) => {
      throw new Problem('input.invalid', 'password: the file does not open with it, or was damaged', { cause });
    });
    await safe.parseInternalValues({ safeContents: [{ password: octets }] }).catch((cause) => {
      throw malformed('its content does not decrypt', cause);
    });
    return safe.parsedValue.safeContents[0].value as pkijs.SafeContents;
  });
  return parsed(() => contentOf(contents.safeBags));
}

/** Looks at all that decides what the reading costs, before any of it is done. */
function safeOf(pfx: pkijs.PFX): pkijs.AuthenticatedSafe {
  const { macData, authSafe } = pfx;
  if (macData === undefined) throw new TypeError('it has no MAC');
  if (macData.mac.digestAlgorithm.algorithmId !== oids.sha256) throw new TypeError('its MAC is not HMAC-SHA-256');
  refuseCostly(macData.iterations ?? 1);
  if (authSafe.contentType !== oids.data) throw new TypeError('it is not protected by a password');
  const octets = (authSafe.content as asn1js.OctetString).getValue();
  // Twice: what the library looked into it does not read again.
  const [content, ...more] = pkijs.AuthenticatedSafe.fromBER(octets).safeContents;
  if (content === undefined || more.length > 0) throw new TypeError('it has not one content');
  if (content.contentType === oids.encrypted) refuseCostly(roundsOf(content));
  else if (content.contentType !== oids.data) throw new TypeError(`its content is ${content.contentType}`);
  return pkijs.AuthenticatedSafe.fromBER(octets);
}

function roundsOf({ content }: pkijs.ContentInfo): number {
  const { encryptedContentInfo } = new pkijs.EncryptedData({ schema: content });
  const { algorithmId, algorithmParams } = encryptedContentInfo.contentEncryptionAlgorithm;
  if (algorithmId !== oids.pbes2) throw new TypeError('it is not encrypted with PBES2');
  const { keyDerivationFunc } = new pkijs.PBES2Params({ schema: algorithmParams });
  if (keyDerivationFunc.algorithmId !== oids.pbkdf2) throw new TypeError('its key is not derived with PBKDF2');
  return new pkijs.PBKDF2Params({ schema: keyDerivationFunc.algorithmParams }).iterationCount;
}

function refuseCostly(rounds: number): void {
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > maxRounds)
    throw new TypeError(`it asks for ${rounds} rounds of key derivation, ${maxRounds} at most`);
}

const readAbout = jsonReader('backup', About);

function contentOf(bags: readonly pkijs.SafeBag[]): { about: NativeBackupAbout; keys: DerivationKeys } {
  const [first, ...others] = bags.map(secretIn);
  if (first === undefined) throw new TypeError('it is empty');
  const { v: _v, kind: _kind, ...about } = readAbout(Buffer.from(first.octets).toString());
  const keys = new Map<string, Secret>();
  try {
    for (const { id, octets } of others) if (id !== undefined && !keys.has(id)) keys.set(id, Secret.take(octets));
    const wrong = about.keys.find(({ id }) => keys.get(id)?.length !== derivationKeyBytes);
    if (wrong !== undefined) throw new TypeError(`key ${wrong.id}: expected ${derivationKeyBytes} octets`);
    if (keys.size !== about.keys.length || new Set(about.keys.map(({ id }) => id)).size !== keys.size)
      throw new TypeError('it holds other keys than it says');
    return { about, keys };
  } catch (error) {
    for (const key of keys.values()) key[Symbol.dispose]();
    throw error;
  }
}

function secretBag(octets: Uint8Array, friendlyName: string, id?: string): pkijs.SafeBag {
  const value = new asn1js.OctetString({ valueHex: Uint8Array.from(octets).buffer });
  const secretValue = { toSchema: () => value, fromSchema: () => undefined } as unknown as pkijs.SchemaCompatible;
  const attribute = (type: string, values: asn1js.BaseBlock[]) => new pkijs.Attribute({ type, values });
  const idOctets = id === undefined ? undefined : Uint8Array.from(Buffer.from(id.replaceAll('-', ''), 'hex'));
  return new pkijs.SafeBag({
    bagId: oids.secretBag,
    bagValue: new pkijs.SecretBag({ secretTypeId: oids.data, secretValue }),
    bagAttributes: [
      attribute(oids.friendlyName, [new asn1js.BmpString({ value: friendlyName })]),
      ...(idOctets === undefined
        ? []
        : [attribute(oids.localKeyId, [new asn1js.OctetString({ valueHex: idOctets.buffer })])]),
    ],
  });
}

function secretIn({ bagValue, bagAttributes = [] }: pkijs.SafeBag): { octets: Uint8Array; id: string | undefined } {
  if (!(bagValue instanceof pkijs.SecretBag)) throw new TypeError('it holds something else than secrets');
  const value = bagValue.secretValue as unknown as asn1js.OctetString;
  if (!(value instanceof asn1js.OctetString)) throw new TypeError('a secret is no octet string');
  const named = bagAttributes.find(({ type }) => type === oids.localKeyId)?.values[0];
  const id = named instanceof asn1js.OctetString ? uuidOf(new Uint8Array(named.getValue())) : undefined;
  return { octets: new Uint8Array(value.getValue()), id };
}

function uuidOf(octets: Uint8Array): string {
  const hex = Buffer.from(octets).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** What the library was lent is wiped; of copies that it makes inside nothing can be promised. */
async function withPassword<T>(password: Secret, use: (octets: ArrayBuffer) => Promise<T>): Promise<T> {
  const octets = password.use((bytes) => Uint8Array.from(bytes));
  try {
    return await use(octets.buffer);
  } finally {
    octets.fill(0);
  }
}

function parsed<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof Problem && cause.kind === 'input.malformed') throw cause;
    throw malformed((cause as Error).message, cause);
  }
}

const malformed = (why: string, cause?: unknown): Problem =>
  new Problem('input.malformed', `this is no backup of a native key provider: ${why}`, { cause });
