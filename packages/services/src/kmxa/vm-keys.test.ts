import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { writeKeySafe } from '@vouchsafe/domain/keys/key-safe';
import type { Kek, KeyProvider } from '@vouchsafe/domain/keys/provider';
import type { ProviderEvent } from '@vouchsafe/domain/keys/provider-events';
import { type KeyReference, type KeyUse, keyUses } from '@vouchsafe/domain/keys/reference';
import { Problem, type ProblemKind } from '@vouchsafe/domain/problem';
import { withEncryption } from '@vouchsafe/domain/profile/edit';
import { problem } from '@vouchsafe/domain/testing/problem';
import { type TestPart, testPart } from '../management/testing/part.ts';
import { readDomain } from './domain-xml.ts';
import { LibvirtLink } from './libvirt-link.ts';
import { openKeks, openParts, safeOf } from './opened-safe.ts';
import { Starting } from './starting.ts';
import { VmKeys } from './vm-keys.ts';
import { VmLocks } from './vm-lock.ts';

const prv = '11111111-2222-4333-8444-555555555555';
const victim = 'aaaaaaaa-2222-4333-8444-555555555555';
const evil = 'bbbbbbbb-2222-4333-8444-555555555555';
const luks = 'cccccccc-2222-4333-8444-555555555555';
const reference: KeyReference = { kind: 'trusted', prv, ct: 'a.b.c.d.e' };
const key = createSecretKey(Buffer.alloc(32, 9));
const cdrom = "<disk type='file' device='cdrom'><source file='/evil.iso'/><target dev='sda'/><readonly/></disk>";

/** A domain with one encrypted disk. */
const domain = (uuid: string, devices = '', keysafe?: string) =>
  withEncryption(
    `<domain type='qemu'><name>vm</name><uuid>${uuid}</uuid><memory>1</memory>
      <os><type arch='x86_64' machine='q35'>hvm</type><boot dev='hd'/></os>
      <devices>${devices}<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/nowhere/vm.img'/>
      <target dev='vda' bus='virtio'/></disk></devices></domain>`,
    { disks: [{ target: 'vda', secretUuid: luks }], ...(keysafe === undefined ? {} : { keysafe }) },
  );

/** The key safe that the owner of the victim has: bound to the domain without a CD-ROM. */
async function sealed(gen = 3, devices = ''): Promise<string> {
  const { hash } = await readDomain(domain(victim, devices));
  const dek = Secret.take(new Uint8Array(64).fill(7));
  const parts = [{ id: 'vda', kind: 'disk' as const, luks, kek: 0, dek }];
  return await writeKeySafe({ vm: victim, gen, bound: { v: 1, h: hash }, keks: [{ n: 0, reference, key }], parts });
}

/** A provider that releases to this host whatever it asks for. */
const providerWith = (uses: readonly KeyUse[] = keyUses): ((reference: KeyReference) => KeyProvider) => {
  const kek: Kek = { reference, key, uses };
  return () => ({ id: prv, kind: 'trusted', generate: () => assert.fail('no'), open: () => Promise.resolve(kek) });
};

let part: TestPart;
let events: ProviderEvent[];
beforeEach(() => {
  part = testPart();
  events = [];
});
afterEach(() => part.close());

function vmKeys(guard = () => Promise.resolve(), providerOf = providerWith()): VmKeys {
  const { store, audit } = part;
  const libvirt = new LibvirtLink(join(tmpdir(), 'vouchsafe-nowhere'));
  return new VmKeys({
    libvirt,
    locks: new VmLocks(),
    store,
    audit,
    guard,
    providerOf,
    tell: (event) => events.push(event),
    host: 'kvm1',
  });
}

async function refused(keys: VmKeys, xml: string, kind: ProblemKind, text: RegExp): Promise<void> {
  await assert.rejects(keys.load(xml), problem(kind, text));
  const { action, problem: recorded, target } = part.records.at(-1) ?? {};
  assert.deepEqual([action, recorded], ['vm.refuse', kind], JSON.stringify(target));
}

/** The DEKs that come out for who asks for keys without looking at the domain. */
async function openAnyway(xml: string): Promise<number[]> {
  const bound = safeOf({ ...(await readDomain(xml)) }, undefined);
  const deks = await openParts(bound.safe, await openKeks(bound, 'run', providerWith()));
  return [...deks.values()].map((dek) => dek.use((bytes) => bytes[0] ?? 0));
}

test('a domain without key safe is no business of ours', async () => {
  await vmKeys().load(domain(victim));
  assert.deepEqual(part.records, []);
});

test('copied key safe, added CD-ROM: refused with the change, and opens for who does not look at the profile', async () => {
  const keys = vmKeys();
  keys.remember({ ...(await readDomain(domain(victim))), gen: 3 });
  const changed = domain(victim, cdrom, await sealed());
  await refused(keys, changed, 'keysafe.profile-changed', /cdrom sda .* was added/);
  assert.deepEqual(await openAnyway(changed), [7], 'under the UUID of the victim the safe itself is genuine');
});

test('copied key safe in another domain: refused by its UUID', async () => {
  await refused(vmKeys(), domain(evil, '', await sealed()), 'keysafe.other-domain', new RegExp(victim));
});

test('a profile that is written into the safe without the KEK: refused by the MAC', async () => {
  const { hash } = await readDomain(domain(victim, cdrom));
  const safe = JSON.parse(await sealed()) as { bound: { h: string } };
  const forged = JSON.stringify({ ...safe, bound: { v: 1, h: hash } });
  const read = await readDomain(domain(victim, cdrom, forged));
  assert.equal(safeOf(read, undefined).safe.bound.h, read.hash, 'the profile is as the attacker wants it');
  await assert.rejects(openAnyway(read.xml), problem('keysafe.invalid', /MAC/));
});

test('an older generation of the same safe: refused, and read by who has not seen the newer one', async () => {
  const keys = vmKeys();
  keys.remember({ ...(await readDomain(domain(victim))), gen: 4 });
  const xml = domain(victim, '', await sealed(3));
  await refused(keys, xml, 'keysafe.rollback', /generation 3, last seen 4/);
  assert.deepEqual(await openAnyway(xml), [7]);
});

test('a disk that is not the one of the safe is refused before any key is asked for', async () => {
  const keys = vmKeys();
  await refused(keys, domain(victim, '', await sealed()), 'disk.unexpected', /vm\.img/);
  const plain = "<disk type='file'><source file='/x'/><target dev='vdb'/></disk>";
  await refused(keys, domain(victim, plain, await sealed(3, plain)), 'disk.not-encrypted', /vdb/);
});

test('an unsafe host gets no key', async () => {
  const guard = () => Promise.reject(new Problem('host.swap-unsafe', '/dev/sda2'));
  await refused(vmKeys(guard), domain(victim, '', await sealed()), 'host.swap-unsafe', /sda2/);
});

test('a key is used only as its provider allows', async () => {
  const bound = safeOf(await readDomain(domain(victim, '', await sealed())), undefined);
  for (const use of keyUses) {
    const others = keyUses.filter((each) => each !== use);
    await assert.rejects(openKeks(bound, use, providerWith(others)), problem('key.use-forbidden', new RegExp(use)));
    assert.equal((await openKeks(bound, use, providerWith([use]))).length, 1);
  }
});

test('what is not XML, or a damaged safe, is refused in one sentence', async () => {
  await assert.rejects(vmKeys().load('<domain'), problem('input.malformed'));
  for (const text of ['{}', 'x'.repeat(300_000)]) {
    await refused(vmKeys(), domain(victim, '', text), 'keysafe.invalid', /./);
  }
});

test('one start of a VM at a time', async () => {
  const xml = domain(victim, '', await sealed());
  const waiting = Promise.withResolvers<void>();
  const keys = vmKeys(() => waiting.promise);
  const first = keys.load(xml);
  await new Promise((done) => setTimeout(done, 20));
  await refused(keys, xml, 'server.busy', /a start is under way/);
  waiting.resolve();
  await assert.rejects(first, problem('disk.unexpected'));
});

test('a domain that names the secret of a VM that is being started: refused, before and after', async () => {
  const keys = vmKeys();
  // Without key safe, with the victim's disk and a CD-ROM: none of it is looked at, since it is no business of ours.
  const borrowing = domain(evil, cdrom);
  await keys.load(borrowing);
  part.store.putState('secrets-with-libvirt', victim, [luks]);
  await refused(keys, borrowing, 'keysafe.other-domain', new RegExp(`names secret ${luks}, .* VM ${victim}`));
  await keys.load(domain(victim));
  part.store.deleteState('secrets-with-libvirt', victim);
});

test('a VM does not start while another domain that names its secret does', async () => {
  const keys = vmKeys();
  // An image on the network is looked at by QEMU alone, so nothing but the other start stands in the way here.
  const xml = domain(victim, '', await sealed()).replace(
    /<disk type=.file. (device=.disk.)/,
    '<disk type="network" $1',
  );
  const alone = await keys.load(xml).catch((error: Error) => error);
  assert.match(String(alone), /vouchsafe-nowhere/, 'as far as libvirt, which is not there');
  part.store.deleteState('secrets-with-libvirt', victim);
  await keys.load(domain(evil, cdrom));
  await refused(keys, xml, 'server.busy', /domain vm is being started and names a secret of it/);
  assert.deepEqual(part.store.listState('secrets-with-libvirt'), [], 'nothing was on its way to libvirt');
});

test('what a starting domain names is known until it has started, or for a minute', () => {
  let now = 0;
  const starting = new Starting(() => now);
  starting.enter(evil, { name: 'evil', xml: domain(evil) });
  assert.equal(starting.otherNaming(victim, [prv, luks.toUpperCase()]), 'evil');
  assert.equal(starting.otherNaming(evil, [luks]), undefined, 'its own');
  assert.equal(starting.otherNaming(victim, [prv]), undefined, 'another secret');
  now = 60_001;
  assert.equal(starting.otherNaming(victim, [luks]), undefined);
  starting.enter(evil, { name: 'evil', xml: domain(evil) });
  starting.leave(evil);
  assert.equal(starting.otherNaming(victim, [luks]), undefined);
});

test('a VM whose key cannot be had is told to be locked, and once it can, unlocked', async () => {
  // An image on the network is looked at by QEMU alone.
  const xml = domain(victim, '', await sealed()).replace(
    /<disk type=.file. (device=.disk.)/,
    '<disk type="network" $1',
  );
  let fails: ProblemKind | undefined;
  const providerOf = () => {
    if (fails !== undefined) throw new Problem(fails, 'why');
    return providerWith()(reference);
  };
  const keys = vmKeys(undefined, providerOf);
  for (const [kind, told] of [
    ['key.not-here', 'vm.locked'],
    ['service.unreachable', 'vm.locked-unreachable'],
    ['attestation.refused', 'vm.locked-refused'],
    ['host.swap-unsafe', undefined],
  ] as const) {
    fails = kind;
    await assert.rejects(keys.load(xml), problem(kind));
    assert.deepEqual(
      events.splice(0),
      told === undefined ? [] : [{ id: told, provider: prv, vm: 'vm', host: 'kvm1', detail: 'why' }],
    );
  }
  fails = undefined;
  for (const told of [['vm.unlocked'], []]) {
    await assert.rejects(keys.load(xml), /vouchsafe-nowhere/);
    part.store.deleteState('secrets-with-libvirt', victim);
    assert.deepEqual(
      events.splice(0).map(({ id }) => id),
      told,
    );
  }
});
