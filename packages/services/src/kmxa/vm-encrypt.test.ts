import assert from 'node:assert/strict';
import { createHash, createSecretKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { writeKeySafe } from '@vouchsafe/domain/keys/key-safe';
import type { KeyProvider } from '@vouchsafe/domain/keys/provider';
import { type KeyReference, type KeyUse, keyUses } from '@vouchsafe/domain/keys/reference';
import { withEncryption } from '@vouchsafe/domain/profile/edit';
import { problem } from '@vouchsafe/domain/testing/problem';
import { type TestPart, testPart } from '../management/testing/part.ts';
import { readDomain } from './domain-xml.ts';
import { openKeks, safeOf } from './opened-safe.ts';
import { writeSidecar } from './sidecar.ts';
import { refuseLeaving, resume } from './vm-encrypt.ts';
import type { VmKeys } from './vm-keys.ts';

const prv = '11111111-2222-4333-8444-555555555555';
const vm = 'aaaaaaaa-2222-4333-8444-555555555555';
const luks = 'cccccccc-2222-4333-8444-555555555555';
const reference: KeyReference = { kind: 'trusted', prv, ct: 'a.b.c.d.e' };
const key = createSecretKey(Buffer.alloc(32, 9));

let part: TestPart;
let folder: string;
let path: string;
beforeEach(() => {
  part = testPart();
  folder = mkdtempSync(join(tmpdir(), 'vm-encrypt-'));
  path = join(folder, 'vm.img');
  writeFileSync(path, new Uint8Array(1024 * 1024));
});
afterEach(async () => {
  await part.close();
  rmSync(folder, { recursive: true });
});

/** A key safe for the plain disk, by whoever knows a KEK that the provider made. */
async function keysafe(): Promise<string> {
  const dek = Secret.take(new Uint8Array(64).fill(7));
  const parts = [{ id: 'vda', kind: 'disk' as const, luks, kek: 0, dek }];
  const bound = { v: 1, h: 'A'.repeat(43) } as const;
  return await writeKeySafe({ vm, gen: 1, bound, keks: [{ n: 0, reference, key }], parts });
}

const domainOf = (keysafe: string): string => {
  const xml = `<domain type='qemu'><name>vm</name><uuid>${vm}</uuid><os><type>hvm</type></os><devices><disk type='file'>
    <driver name='qemu' type='raw'/><source file='${path}'/><target dev='vda' bus='virtio'/></disk></devices></domain>`;
  return keysafe === '' ? xml : withEncryption(xml, { disks: [{ target: 'vda', secretUuid: luks }], keysafe });
};

async function resumed(id = prv) {
  const read = await readDomain(domainOf(''));
  const disks = read.domain.disks.flatMap(({ source, ...disk }) => (source === undefined ? [] : [{ ...disk, source }]));
  const kek = { reference, key, uses: keyUses };
  const provider: KeyProvider = {
    id,
    kind: 'trusted',
    generate: () => assert.fail('no new key'),
    open: () => Promise.resolve(kek),
  };
  return await resume(read, disks, { provider }, { store: part.store, providerOf: () => provider });
}

const began = (text: string) => part.store.putState('encryptions', vm, createHash('sha256').update(text).digest('hex'));

test('without a key safe beside the disk there is nothing to go on with', async () => {
  assert.equal(await resumed(), undefined);
});

test('a key safe that somebody laid beside a plain disk: refused, although its MAC holds', async () => {
  const planted = await keysafe();
  writeSidecar(path, planted);
  await assert.rejects(resumed(), problem('object.exists', /vm\.img\.keysafe: this host began no encryption/));
  began('another');
  await assert.rejects(resumed(), problem('object.exists', /take it away/));
  // Believed, it gives the disk a key that its maker knows.
  began(planted);
  assert.deepEqual(
    (await resumed())?.works.map((work) => work.part.dek.use((bytes) => bytes[0])),
    [7],
  );
});

test('an interrupted encryption goes on with the provider that it began with', async () => {
  const own = await keysafe();
  writeSidecar(path, own);
  began(own);
  await assert.rejects(resumed(luks), problem('input.invalid', new RegExp(`provider: .* ${prv}`)));
});

test('an interrupted encryption of other disks: refused before any key is asked for', async () => {
  const other = (await keysafe()).replace('"id":"vda"', '"id":"vdb"');
  assert.match(other, /vdb/);
  writeSidecar(path, other);
  began(other);
  await assert.rejects(resumed(), problem('keysafe.invalid', /vda: .* name the same ones/));
});

test('a VM leaves its provider only if that allows it, and never with the data keys that it has', async () => {
  const { hash } = await readDomain(domainOf(''));
  const dek = Secret.take(new Uint8Array(64).fill(7));
  const parts = [{ id: 'vda', kind: 'disk' as const, luks, kek: 0, dek }];
  const text = await writeKeySafe({ vm, gen: 1, bound: { v: 1, h: hash }, keks: [{ n: 0, reference, key }], parts });
  const read = await readDomain(domainOf(text));
  const allowing = (uses: readonly KeyUse[]) => ({
    vmKeys: { seen: () => undefined } as unknown as VmKeys,
    providerOf: () => ({
      id: prv,
      kind: 'trusted' as const,
      generate: () => assert.fail(),
      open: async () => ({ reference, key, uses }),
    }),
  });
  const to = (id: string, uses: readonly KeyUse[] = keyUses) =>
    refuseLeaving(
      read,
      { id, kind: 'native', generate: () => assert.fail(), open: () => assert.fail() },
      allowing(uses),
    );
  await to(prv, ['run']);
  await assert.rejects(to(luks, ['run', 'recrypt']), problem('key.use-forbidden', /not leave/));
  await assert.rejects(to(luks), problem('provider.leave-shallow', /trusted provider 11111111/));
});

test('a key safe that two providers open is refused before either is asked', async () => {
  const dek = Secret.take(new Uint8Array(64).fill(7));
  const parts = [{ id: 'vda', kind: 'disk' as const, luks, kek: 0, dek }];
  const other: KeyReference = { kind: 'native', prv: luks, ct: 'a.b.c.d.e' };
  const keks = [
    { n: 0, reference, key },
    { n: 1, reference: other, key },
  ];
  const text = await writeKeySafe({ vm, gen: 1, bound: { v: 1, h: 'A'.repeat(43) }, keks, parts });
  const bound = safeOf(await readDomain(domainOf(text)), undefined);
  await assert.rejects(
    openKeks(bound, 'run', () => assert.fail()),
    problem('provider.leave-shallow'),
  );
});
