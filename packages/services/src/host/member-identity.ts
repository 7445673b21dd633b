import { type KeyObject, X509Certificate } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import type { IdentityKeys } from '@vouchsafe/domain/group/join';
import { memberIdOf } from '@vouchsafe/domain/group/member';
import type { MemberSigner } from '@vouchsafe/domain/group/member-request';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import { parsePrivateKey, privateKeyPem, publicHalf } from '@vouchsafe/domain/x509/pem';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import Type from 'typebox';

/** Who this host is among the members of its group. */
export interface MemberIdentity extends MemberSigner {
  /** Opens what others sealed to this host. */
  readonly enc: KeyObject;
  /** Certificate of `id-sig`, PEM. */
  readonly certificatePem: string;
  /** Private key of `id-sig`, PEM, for TLS. */
  readonly keyPem: string;
}

const place = { collection: 'member', name: 'identity' } as const;
const secretNames = { sig: 'member-sig', enc: 'member-enc' } as const;
const read = validator('stored identity', Type.Object({ sig: Type.String(), enc: Type.String() }));

/** The identity as it was stored; undefined on a host that has none yet. @throws {Problem} `file.unreadable` */
export function loadIdentity(store: ConfigStore): MemberIdentity | undefined {
  const stored = store.getState(place.collection, place.name);
  if (stored === undefined) return undefined;
  const certificate = new X509Certificate(read(stored).sig);
  const [key, enc] = [privateKeyIn(store, secretNames.sig), privateKeyIn(store, secretNames.enc)];
  return {
    id: memberIdOf(certificate),
    key,
    enc,
    certificate,
    certificatePem: certificate.toString(),
    keyPem: privateKeyPem(key),
  };
}

/** Stores keys and certificates; belongs into a transaction with the statement that names the member. */
export function storeIdentity(
  store: ConfigStore,
  keys: IdentityKeys,
  certificates: { readonly sig: string; readonly enc: string },
): void {
  storeKeys(store, keys, secretNames);
  store.putState(place.collection, place.name, certificates);
}

/** Stores a pair of key pairs under the given names of secrets. */
export function storeKeys(store: ConfigStore, keys: IdentityKeys, names: { sig: string; enc: string }): void {
  for (const [name, { privateKey }] of [
    [names.sig, keys.sig],
    [names.enc, keys.enc],
  ] as const) {
    using pem = Secret.take(Buffer.from(privateKeyPem(privateKey)));
    store.putSecret(name, pem);
  }
}

/** Reads them back. @throws {Problem} `file.unreadable` */
export function loadKeys(store: ConfigStore, names: { sig: string; enc: string }): IdentityKeys {
  const pair = (name: string) => {
    const privateKey = privateKeyIn(store, name);
    return { privateKey, publicKey: publicHalf(privateKey) };
  };
  return { sig: pair(names.sig), enc: pair(names.enc) };
}

function privateKeyIn(store: ConfigStore, name: string): KeyObject {
  using secret = store.getSecret(name);
  if (secret === undefined)
    throw new Problem('file.unreadable', `${name}: the identity key of this host is gone; put its state back`);
  return secret.use((bytes) => parsePrivateKey(Buffer.from(bytes)));
}
