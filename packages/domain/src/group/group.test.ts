import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createAuthority } from '../x509/authority.ts';
import { certificateOf } from './group.ts';

test('a certificate is one whose key can be read', async () => {
  const validity = { notBefore: new Date('2026-01-01'), notAfter: new Date('2046-01-01') };
  const { certificatePem } = await createAuthority({ name: 'a', ...validity });
  const { raw, publicKey } = new X509Certificate(certificatePem);
  assert.deepEqual(certificateOf(certificatePem, 'a').raw, raw);
  const damaged = new Uint8Array(raw);
  damaged[raw.indexOf(publicKey.export({ format: 'der', type: 'spki' }).subarray(26))] = 9;
  assert.throws(() => certificateOf(damaged, 'group CA'), {
    kind: 'input.malformed',
    message: 'group CA: the certificate holds no public key that can be read',
  });
  assert.throws(() => certificateOf('', 'group CA'), { kind: 'input.malformed', message: /not an X\.509 certificate/ });
});
