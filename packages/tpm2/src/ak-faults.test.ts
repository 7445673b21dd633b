import assert from 'node:assert/strict';
import { test } from 'node:test';
import { akFaults } from './ak-faults.ts';
import { akTemplates } from './ak-template.ts';
import { ekTemplates } from './ek-template.ts';
import type { TpmaObject, TpmtPublic } from './public.ts';

const codes = (area: TpmtPublic) => akFaults(area).map(({ code }) => code);
const flipped = (name: keyof TpmaObject): TpmtPublic => ({
  ...akTemplates.ecc,
  objectAttributes: { ...akTemplates.ecc.objectAttributes, [name]: !akTemplates.ecc.objectAttributes[name] },
});

test('attestation keys of ours lack nothing', () => {
  assert.deepEqual([codes(akTemplates.ecc), codes(akTemplates.rsa)], [[], []]);
});

test('each attribute that makes an attestation key is missed by name', () => {
  for (const name of ['restricted', 'sign', 'decrypt', 'fixedTPM', 'fixedParent', 'sensitiveDataOrigin'] as const)
    assert.deepEqual(codes(flipped(name)), [`ak.${name}`]);
  for (const name of ['userWithAuth', 'noDA', 'adminWithPolicy'] as const) assert.deepEqual(codes(flipped(name)), []);
});

test('weak hashes and open schemes are missed', () => {
  const { parameters } = akTemplates.ecc;
  const withScheme = (scheme: typeof parameters.scheme) => ({
    ...akTemplates.ecc,
    parameters: { ...parameters, scheme },
  });
  const open = { scheme: 'null', details: undefined } as unknown as typeof parameters.scheme;
  const sha1 = { scheme: 'ecdsa', details: { hashAlg: 'sha1' } } as unknown as typeof parameters.scheme;
  assert.deepEqual(codes({ ...akTemplates.ecc, nameAlg: 'sha1' }), ['ak.nameAlg']);
  assert.deepEqual(codes({ ...akTemplates.ecc, nameAlg: 'null' }), ['ak.nameAlg']);
  assert.deepEqual(codes(withScheme(open)), ['ak.scheme']);
  assert.deepEqual(codes(withScheme(sha1)), ['ak.scheme']);
});

test('an endorsement key is no attestation key', () => {
  assert.deepEqual(codes(ekTemplates['L-2'].area), ['ak.sign', 'ak.decrypt', 'ak.scheme']);
});
