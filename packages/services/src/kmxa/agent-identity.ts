import type { KeyObject } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import { type EcJwk, jwkOf, newPair, thumbprint } from '@vouchsafe/domain/keys/jwk';
import { parsePrivateKey, privateKeyPem, publicHalf } from '@vouchsafe/domain/x509/pem';
import type { ConfigStore } from '@vouchsafe/store/config-store';

/** Who this host is to a center that pushes keys: the key that they are sealed to. It outlives the boot. */
export interface AgentIdentity {
  /** RFC 7638 thumbprint of the key. */
  readonly id: string;
  readonly jwk: EcJwk;
  readonly privateKey: KeyObject;
}

const secretName = 'agent-enc';

/** The identity of this host, made at the first start. @throws {Problem} `file.unreadable` */
export function agentIdentity(store: ConfigStore): AgentIdentity {
  const privateKey = stored(store) ?? make(store);
  const jwk = jwkOf(publicHalf(privateKey));
  return { id: thumbprint(jwk), jwk, privateKey };
}

function stored(store: ConfigStore): KeyObject | undefined {
  using pem = store.getSecret(secretName);
  return pem?.use((bytes) => parsePrivateKey(Buffer.from(bytes)));
}

function make(store: ConfigStore): KeyObject {
  const { privateKey } = newPair();
  using pem = Secret.take(Buffer.from(privateKeyPem(privateKey)));
  store.putSecret(secretName, pem);
  return privateKey;
}
