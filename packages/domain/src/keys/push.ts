import { createHash, hkdfSync, type KeyObject, type X509Certificate } from 'node:crypto';
import type { Secret } from '@vouchsafe/bytes/secret';
import Type from 'typebox';
import { GroupId } from '../attestation/claims.ts';
import { canonicalJson } from '../canonical-json.ts';
import { groupIdOf } from '../group/group.ts';
import { openStatement, type SealedKind, sealStatement } from '../group/sealed-statement.ts';
import { validator } from '../parse.ts';
import { Problem } from '../problem.ts';
import { type EcJwk, thumbprint } from './jwk.ts';
import { KeyUses, Uuid } from './reference.ts';

const octets = Type.String({ pattern: '^[A-Za-z0-9_-]+$', maxLength: 2048 });
const Generation = Type.Integer({ minimum: 1, maximum: 2 ** 31 });

/** A host as centers know it: RFC 7638 thumbprint of the key that they seal to. */
export const HostId = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' });
/** A key of a standard provider: the unique identifier of KMIP. */
export const StandardKeyId = Type.String({ minLength: 1, maxLength: 256 });
export const ProviderName = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._ -]{0,127}$' });

const about = {
  v: Type.Literal(1),
  /** Thumbprint of the center's CA, as hosts pin it. */
  iss: GroupId,
  aud: HostId,
  /** The provider: immutable, never reused. */
  prv: Uuid,
  /** Counts up with all that the center says about the provider. */
  gen: Generation,
  /** Seconds since 1970. */
  iat: Type.Integer(),
};
const given = {
  ...about,
  name: ProviderName,
  uses: KeyUses,
  /** Generation of the removal that is taken back on purpose: without it, a removal wins over all that comes later. */
  restores: Type.Optional(Generation),
};
const closed = { additionalProperties: false } as const;

/** Opens the octets of a push on one TPM only: content of TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET. */
const TpmCredential = Type.Object({ blob: octets, secret: octets }, closed);

/** A native provider as a whole: all of its key derivation keys that VMs still need. */
export const NativePush = Type.Object(
  {
    ...given,
    kind: Type.Literal('native'),
    /** Ids of the key derivation keys, 32 octets of the secret each. */
    keys: Type.Array(Uuid, { minItems: 1, maxItems: 32, uniqueItems: true }),
    /** The one that new keys are wrapped under. */
    current: Uuid,
    tpm_required: Type.Boolean(),
    /** Present if and only if a TPM is required: the secret is then a JWE under the content key in it. */
    tpm: Type.Optional(TpmCredential),
  },
  closed,
);
export type NativePush = Type.Static<typeof NativePush>;

/** One key of a standard provider. */
export const StandardPush = Type.Object(
  {
    ...given,
    kind: Type.Literal('standard'),
    key: StandardKeyId,
    /** Its state on the key server (KMIP 1.4, 3.22). */
    state: Type.String({ pattern: '^[A-Za-z-]+( [A-Za-z]+)?$', maxLength: 32 }),
  },
  closed,
);
export type StandardPush = Type.Static<typeof StandardPush>;

/** That a provider, or one key of a standard provider, is to be forgotten. */
export const Removal = Type.Object(
  {
    ...about,
    kind: Type.Union([Type.Literal('native'), Type.Literal('standard')]),
    removed: Type.Literal(true),
    key: Type.Optional(StandardKeyId),
  },
  closed,
);
export type Removal = Type.Static<typeof Removal>;

export type KeyPush = NativePush | StandardPush | Removal;
export const isRemoval = (push: KeyPush): push is Removal => 'removed' in push;

const readers = {
  native: validator('a push of a native provider', NativePush),
  standard: validator('a push of a standard provider', StandardPush),
  removal: validator('a removal', Removal),
};

const kind: SealedKind = {
  inner: 'vs-push+jws',
  outer: 'vs-push+jwe',
  certificates: 2,
  limit: 64 * 1024,
  signer: 'a center',
  recipient: 'this host',
  refuse: (why, cause) => refused(why, cause),
};

/** Who pushes: a key with a certificate of role center, and the CA that issued it. */
export interface CenterSigner {
  readonly key: KeyObject;
  readonly certificate: X509Certificate;
  readonly ca: X509Certificate;
}

/** What the center says, less what it says of itself and of the recipient. */
export type PushContent = DistributiveOmit<KeyPush, 'v' | 'iss' | 'aud' | 'iat'>;
type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never;

/**
 * Signs a push and seals it to a host. The octets are those of the key or keys, none for a removal.
 * @param now seconds since 1970
 */
export function sealPush(
  { key, certificate, ca }: CenterSigner,
  recipient: EcJwk,
  content: PushContent,
  secret: Secret,
  now: number,
): Promise<string> {
  const claims = { v: 1, iss: groupIdOf(ca), aud: thumbprint(recipient), iat: now, ...content };
  return sealStatement(kind, { key, certificates: [certificate, ca] }, recipient, claims, secret);
}

/** A push whose signature holds; whether the host takes it, `pushRules` say. */
export interface OpenedPush {
  readonly claims: KeyPush;
  readonly signer: X509Certificate;
  readonly ca: X509Certificate;
  /** Keys, or what the TPM opens. Whoever gets them wipes them. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** @throws {Problem} `push.refused` */
export async function openPush(privateKey: KeyObject, sealed: string): Promise<OpenedPush> {
  const { claims, certificates, bytes } = await openStatement(kind, privateKey, sealed);
  try {
    return { claims: claimsOf(claims), signer: certificates[0], ca: certificates[1]!, bytes };
  } catch (error) {
    bytes.fill(0);
    throw error;
  }
}

function claimsOf(stated: unknown): KeyPush {
  let claims: KeyPush;
  try {
    claims = readClaims(stated);
  } catch (cause) {
    throw refused((cause as Error).message, cause);
  }
  if (isRemoval(claims)) {
    if (claims.kind === 'native' && claims.key !== undefined) throw refused('key: a native provider is removed whole');
    return claims;
  }
  if (claims.kind === 'native') {
    if (!claims.keys.includes(claims.current)) throw refused('current: none of the keys');
    if (claims.tpm_required !== (claims.tpm !== undefined)) throw refused('tpm: expected if and only if tpm_required');
  }
  return claims;
}

/** Which of the kinds it is decides what is missing in it. */
function readClaims(stated: unknown): KeyPush {
  const { removed, kind } = (typeof stated === 'object' && stated !== null ? stated : {}) as Partial<Removal>;
  if (removed !== undefined) return readers.removal(stated);
  return kind === 'standard' ? readers.standard(stated) : readers.native(stated);
}

/** What a push says, whenever, by whom and to whom: two pushes of one generation must say the same. */
export function digestOfPush(claims: PushContent): string {
  const { v: _v, iss: _iss, aud: _aud, iat: _iat, tpm: _tpm, ...content } = claims as NativePush;
  return createHash('sha256').update(canonicalJson(content)).digest('base64url');
}

/** Tells whether a key is another one than before, and nothing else about it. */
export const commitmentOf = (prv: string, id: string, key: Uint8Array): string =>
  Buffer.from(hkdfSync('sha256', key, `${prv}/${id}`, 'vouchsafe/pushed-key/1', 32)).toString('base64url');

const refused = (why: string, cause?: unknown): Problem => new Problem('push.refused', why, { cause });
