import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ekTemplates } from './ek-template.ts';
import { inspectAttest, inspectPublic } from './inspect.ts';
import { encodePublic } from './public.ts';
import { sampleQuote } from './testing/software-key.ts';

test('a quote in plain words', () => {
  assert.deepEqual(
    inspectAttest(sampleQuote({ qualifiedSigner: new Uint8Array([0, 11]), extraData: new Uint8Array() })),
    {
      magic: '0xff544347',
      generated: true,
      type: 'quote',
      qualifiedSigner: '000b',
      extraData: '',
      clockInfo: { clock: '1000', resetCount: 3, restartCount: 4, safe: true },
      firmwareVersion: String(0x2019102300163636n),
      attested: { pcrSelect: [{ hash: 'sha256', pcrSelect: [0, 7] }], pcrDigest: '05'.repeat(32) },
    },
  );
  const forged = inspectAttest(sampleQuote({ magic: 1 })) as { magic: string; generated: boolean };
  assert.deepEqual([forged.magic, forged.generated], ['0x1', false]);
});

test('a public area in plain words', () => {
  const view = inspectPublic(encodePublic(ekTemplates['H-3'].area)) as Record<string, unknown>;
  assert.deepEqual(JSON.parse(JSON.stringify(view)), view);
  assert.deepEqual([view.type, view.nameAlg, view.ekTemplate], ['ecc', 'sha384', 'H-3']);
  assert.deepEqual(view.objectAttributes, [
    'fixedTPM',
    'fixedParent',
    'sensitiveDataOrigin',
    'userWithAuth',
    'adminWithPolicy',
    'restricted',
    'decrypt',
  ]);
  assert.match(String(view.name), /^000c[0-9a-f]{96}$/);
});
