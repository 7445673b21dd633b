import { createHash } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import type { Attribute } from '@vouchsafe/kmip/attribute';
import { KeyMaterial } from '@vouchsafe/kmip/key-material';
import type { ManagedObject as Content } from '@vouchsafe/kmip/managed-object';
import { encodeItem } from '@vouchsafe/kmip/ttlv/item';

/**
 * The Digest of an object that is made or registered (KMIP 1.4, 3.17): over the octets of the key material, certificate
 * or data; over the encoded Key Material when it stands in its parts. An object whose key value the server does not
 * have, has none.
 */
export function digestAttribute(content: Content): Attribute | undefined {
  const hash = createHash('sha256');
  const format = 'block' in content ? content.block.format : undefined;
  if (!update(content, hash)) return undefined;
  return { name: 'Digest', value: { algorithm: 'SHA-256', value: Uint8Array.from(hash.digest()), format } };
}

function update(content: Content, hash: { update(data: Uint8Array): unknown }): boolean {
  const whole = (secret: Secret) => secret.use((octets) => hash.update(octets) !== undefined);
  if (content.type === 'Certificate') return hash.update(content.value) !== undefined;
  if (content.type === 'Opaque Object') return whole(content.value);
  if (!('block' in content) || content.block.value === undefined) return false;
  const { value } = content.block;
  if ('wrapped' in value) return whole(value.wrapped);
  if (value.material instanceof Secret) return whole(value.material);
  using encoded = Secret.take(encodeItem(KeyMaterial, value.material));
  return whole(encoded);
}
