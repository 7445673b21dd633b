import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { concat, fromHex, hex } from '@vouchsafe/bytes/hex';
import { createEk } from './create-ek.ts';
import { allEkTemplates, ekTemplates, matchTemplate } from './ek-template.ts';
import { hierarchy } from './entity.ts';
import type { TpmtPublic } from './public.ts';
import { Swtpm, withoutTools } from './testing/swtpm.ts';
import { file, tool } from './testing/tools.ts';

test('a public area equals its template and no other', () => {
  for (const { name, area } of allEkTemplates) assert.equal(matchTemplate(area)?.name, name);
  const filled: TpmtPublic = { ...ekTemplates['L-1'].area, unique: new Uint8Array(256).fill(9) } as TpmtPublic;
  assert.equal(matchTemplate(filled)?.name, 'L-1');
});

test('a public area that differs in anything but unique equals none', () => {
  for (const { area } of allEkTemplates) {
    const { objectAttributes } = area;
    const table: [string, TpmtPublic][] = [
      ['restricted', { ...area, objectAttributes: { ...objectAttributes, restricted: false } }],
      ['sign', { ...area, objectAttributes: { ...objectAttributes, sign: true } }],
      ['fixedTPM', { ...area, objectAttributes: { ...objectAttributes, fixedTPM: false } }],
      [
        'userWithAuth',
        { ...area, objectAttributes: { ...objectAttributes, userWithAuth: !objectAttributes.userWithAuth } },
      ],
      ['authPolicy', { ...area, authPolicy: new Uint8Array(area.authPolicy.length) }],
      ['no authPolicy', { ...area, authPolicy: new Uint8Array() }],
      ['nameAlg', { ...area, nameAlg: 'sha1' }],
    ];
    for (const [what, changed] of table) assert.equal(matchTemplate(changed), undefined, what);
  }
});

test('Part 3, 23.4: policyA is PolicySecret of the endorsement hierarchy', () => {
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
  const code = fromHex('00000151');
  const named = sha256(concat(new Uint8Array(32), code, hierarchy('endorsement').name));
  assert.equal(hex(ekTemplates['L-1'].area.authPolicy), hex(sha256(named)));
});

test('tpm2_createek derives the same keys (L-1, L-2)', { skip: withoutTools }, async () => {
  await using swtpm = await Swtpm.start();
  const ours = new Map<string, string>();
  {
    await using tpm = await swtpm.connect();
    for (const name of ['L-1', 'L-2'] as const) {
      await using ek = await createEk(tpm, name);
      ours.set(name, hex(ek.publicArea));
    }
  }
  for (const [name, type] of [
    ['L-1', 'rsa'],
    ['L-2', 'ecc'],
  ] as const) {
    await tool(swtpm, 'tpm2_createek', '-c', `${type}.ctx`, '-G', type, '-u', `${type}.pub`);
    await tool(swtpm, 'tpm2_flushcontext', '-t');
    assert.equal(hex((await readFile(file(swtpm, `${type}.pub`))).subarray(2)), ours.get(name), name);
  }
});
