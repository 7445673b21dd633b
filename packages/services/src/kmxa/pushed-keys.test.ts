import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';
import { ekHash } from '@vouchsafe/domain/attestation/ek';
import type { Kek } from '@vouchsafe/domain/keys/provider';
import { Problem } from '@vouchsafe/domain/problem';
import { testTime } from '@vouchsafe/domain/testing/group';
import { problem } from '@vouchsafe/domain/testing/problem';
import { Swtpm, withoutSwtpm } from '@vouchsafe/tpm2/testing/swtpm';
import { type TestPart, testPart } from '../management/testing/part.ts';
import { agentIdentity } from './agent-identity.ts';
import { NativeProvider } from './native-provider.ts';
import { type PushTpm, pushTpm } from './push-tpm.ts';
import { PushedKeys } from './pushed-keys.ts';
import { StandardProvider } from './standard-provider.ts';
import { nativePrv, standardPrv, type TestCenter, testCenter } from './testing/center.ts';

const one = 'aaaaaaaa-2222-4333-8444-555555555555';
const two = 'bbbbbbbb-2222-4333-8444-555555555555';
const canary = Buffer.from('only-this-test-has-these-32-byte');
const other = Buffer.alloc(32, 2);

let part: TestPart;
let center: TestCenter;
let now: number;
beforeEach(async () => {
  part = testPart();
  center = await testCenter('center', () => now);
  now = testTime;
});
afterEach(() => part.close());

const noTpm: PushTpm = pushTpm({ tpm: 'unix:/nowhere/tpm.sock', ek: 'auto' });

/** The keys of the agent; a second call is what the next start of the agent finds. */
function agent(tpm = noTpm, pinned: string | undefined = center.id) {
  const { store, audit } = part;
  const identity = agentIdentity(store);
  const keys = new PushedKeys({ store, audit, identity, tpm, center: pinned, now: () => now });
  const native = new NativeProvider(nativePrv, keys, () => now);
  const standard = (key?: string) => new StandardProvider(standardPrv, keys, key);
  return { keys, native, standard, to: identity.jwk };
}

const refusedPush = (text: RegExp) => problem('push.refused', text);
const same = async (a: Kek, b: Promise<Kek>) => assert.ok(a.key.equals((await b).key));

/** Spellings of a key that a search of bytes would meet. */
const spellings = (key: Buffer) => [
  key,
  ...(['hex', 'base64', 'base64url'] as const).map((as) => Buffer.from(key.toString(as).replaceAll('=', ''))),
];
function assertNowhere(key: Buffer): void {
  const files = globSync('**/*', { cwd: part.folder }).map((name) => `${part.folder}/${name}`);
  const texts = [...files.map((file) => readFileSync(file)), Buffer.from(JSON.stringify(part.records))];
  for (const spelling of spellings(key)) assert.ok(!texts.some((text) => text.includes(spelling)));
  assert.ok(files.some((file) => file.endsWith('part.db')));
}

test('a native provider: keys are made here, open after a restart, and follow every rotation', async () => {
  const { keys, native, to } = agent();
  await assert.rejects(native.generate(), problem('key.not-here', /1111/));
  assert.deepEqual(await keys.accept(await center.native(to, { [one]: canary })), { prv: nativePrv, gen: 1 });
  const first = await native.generate();
  await same(first, native.open(first.reference));
  await same(first, agent().native.open(first.reference));

  await keys.accept(await center.native(to, { [one]: canary, [two]: other }, { gen: 2 }));
  const second = await native.generate();
  await same(first, native.open(first.reference));
  await keys.accept(await center.native(to, { [two]: other }, { gen: 3 }));
  await same(second, agent().native.open(second.reference));
  await assert.rejects(native.open(first.reference), problem('key.not-here', new RegExp(one)));
  await assert.rejects(agent().native.open(first.reference), problem('key.not-here', new RegExp(one)));
  assertNowhere(canary);
});

test('rollback: the state before a rotation, and a use that was taken back, do not return', async () => {
  const { keys, native, to } = agent();
  const before = await center.native(to, { [one]: canary });
  await keys.accept(before);
  await keys.accept(await center.native(to, { [two]: other }, { gen: 2, uses: ['run'] } as object));
  await assert.rejects(keys.accept(before), refusedPush(/generation 1 is below 2/));
  assert.deepEqual((await native.generate()).uses, ['run']);
});

test('a deleted provider is gone at once and for good: replay, a higher generation, a restart', async () => {
  const { keys, native, to } = agent();
  const pushed = await center.native(to, { [one]: canary });
  await keys.accept(pushed);
  const { reference } = await native.generate();
  const removal = await center.remove(to, { kind: 'native', gen: 2 });
  await keys.accept(removal);
  await keys.accept(removal);
  assert.equal(part.store.getSecret(`${nativePrv}/${one}`), undefined);
  for (const { keys: held, native: provider } of [{ keys, native }, agent()]) {
    await assert.rejects(provider.open(reference), problem('key.not-here', /was removed/));
    await assert.rejects(provider.generate(), problem('key.not-here'));
    await assert.rejects(held.accept(pushed), refusedPush(/was removed .* generation 2/));
    await assert.rejects(
      held.accept(await center.native(to, { [one]: canary }, { gen: 9 })),
      refusedPush(/was removed/),
    );
  }
  await keys.accept(await center.native(to, { [one]: canary }, { gen: 3, restores: 2 } as object));
  await native.open(reference);
  await assert.rejects(keys.accept(removal), refusedPush(/generation 2 is below 3/));
});

test('substitution: another key under a known id, another provider, too few octets', async () => {
  const { keys, native, to } = agent();
  await keys.accept(await center.native(to, { [one]: canary }));
  const { reference } = await native.generate();
  await assert.rejects(
    keys.accept(await center.native(to, { [one]: other }, { gen: 2 })),
    refusedPush(/another one than before/),
  );
  const short = await center.native(to, { [one]: canary.subarray(1) }, { gen: 2 });
  await assert.rejects(keys.accept(short), refusedPush(/expected 32 octets/));
  await assert.rejects(
    keys.accept(await center.standard(to, '17', canary, { prv: nativePrv, gen: 2 } as object)),
    refusedPush(/is a native one/),
  );
  await same(await native.open(reference), native.open(reference));
  assert.equal(keys.provider(nativePrv).told.gen, 1, 'nothing of it was taken');
  const moved = { ...reference, prv: standardPrv } as typeof reference;
  await keys.accept(await center.native(to, { [two]: canary }, { prv: standardPrv } as object));
  const foreign = new NativeProvider(standardPrv, keys, () => now);
  await assert.rejects(foreign.open(moved), problem('release.refused', /one of provider 1111/));
});

test('a push counts for ten minutes, for one host, from the pinned center', async () => {
  const { keys, to } = agent();
  const pushed = await center.native(to, { [one]: canary });
  const attacker = await testCenter('attacker', () => now);
  await assert.rejects(keys.accept(await attacker.native(to, { [one]: other })), refusedPush(/pinned to/));
  const inItsName = await attacker.native(to, { [one]: other }, { iss: center.id } as object);
  await assert.rejects(keys.accept(inItsName), refusedPush(/pinned to/));
  assert.deepEqual(part.records, [], 'nobody else fills the audit file');
  await assert.rejects(agent(noTpm, '').keys.accept(pushed), refusedPush(/pinned to/));
  const { store, audit } = part;
  const unpinned = new PushedKeys({
    store,
    audit,
    identity: agentIdentity(store),
    tpm: noTpm,
    center: undefined,
    now: () => now,
  });
  await assert.rejects(unpinned.accept(pushed), refusedPush(/set `center` in host.toml/));
  await assert.rejects(keys.accept('not a push'), refusedPush(/not sealed/));
  now += 601;
  await assert.rejects(keys.accept(pushed), refusedPush(/clocks/));
});

test('a refusal that anybody can repeat is recorded once a minute', async () => {
  const { keys, to } = agent();
  const old = await center.native(to, { [one]: canary });
  await keys.accept(await center.native(to, { [two]: other }, { gen: 2 }));
  const refusals = () => part.records.filter(({ outcome }) => outcome === 'failure').length;
  for (let i = 0; i < 5; i++) await assert.rejects(keys.accept(old));
  assert.equal(refusals(), 1);
  now += 61;
  await assert.rejects(keys.accept(old));
  assert.equal(refusals(), 2);
  const taken = part.records.length;
  await keys.accept(await center.native(to, { [two]: other }, { gen: 2 }));
  assert.equal(part.records.length, taken, 'nor does the same push again leave a record');
});

test('a push that cannot be recorded changes nothing', async () => {
  const { keys, native, to } = agent();
  part.full = true;
  await assert.rejects(keys.accept(await center.native(to, { [one]: canary })), /no space left/);
  part.full = false;
  await assert.rejects(native.generate(), problem('key.not-here'));
  assert.equal(part.store.getSecret(`${nativePrv}/${one}`), undefined);
});

test('a standard provider: the named key encrypts while it is Active and opens in any state', async () => {
  const { keys, standard, to } = agent();
  await keys.accept(await center.standard(to, '17', canary));
  await assert.rejects(standard().generate(), problem('input.invalid', /those that are here: 17/));
  const made = await standard('17').generate();
  assert.deepEqual(made.key.export(), canary);
  await keys.accept(await center.standard(to, '17', canary, { gen: 2, state: 'Deactivated' } as object));
  await assert.rejects(standard('17').generate(), problem('key.not-active', /Deactivated/));
  await same(made, standard().open(made.reference));
  await assert.rejects(standard('18').generate(), problem('key.not-here', /key 18/));
  assertNowhere(canary);
});

test('keys of a standard provider are in memory alone, and come back with the same push', async () => {
  const { keys, standard, to } = agent();
  const pushed = await center.standard(to, '17', canary);
  await keys.accept(pushed);
  const made = await standard('17').generate();
  const restarted = agent();
  await assert.rejects(restarted.standard().open(made.reference), problem('key.not-here'));
  await assert.rejects(
    restarted.keys.accept(await center.standard(to, '17', other, { gen: 2 })),
    refusedPush(/another one than before/),
  );
  await restarted.keys.accept(pushed);
  await same(made, restarted.standard().open(made.reference));
});

test('a deleted key of a standard provider, and all keys of a deleted provider, do not return', async () => {
  const { keys, standard, to } = agent();
  const pushed = [await center.standard(to, '17', canary), await center.standard(to, '18', other, { gen: 2 })];
  for (const each of pushed) await keys.accept(each);
  const [a, b] = [await standard('17').generate(), await standard('18').generate()];
  await keys.accept(await center.remove(to, { kind: 'standard', key: '17', gen: 3 }));
  await assert.rejects(standard().open(a.reference), problem('key.not-here'));
  await same(b, standard().open(b.reference));
  await assert.rejects(keys.accept(pushed[0]!), refusedPush(/was removed/));
  await keys.accept(await center.remove(to, { kind: 'standard', gen: 4 }));
  await assert.rejects(standard().open(b.reference), problem('key.not-here', /was removed/));
  for (const each of pushed) await assert.rejects(keys.accept(each), refusedPush(/was removed/));
  await keys.accept(await center.standard(to, '18', other, { gen: 5, restores: 4 } as object));
  await same(b, standard().open(b.reference));
  await assert.rejects(keys.accept(pushed[0]!), refusedPush(/below|was removed/));
});

test('for a TPM: it opens on that TPM alone, and what lies on disk too', { skip: withoutSwtpm }, async () => {
  await using mine = await Swtpm.start();
  await using foreign = await Swtpm.start();
  const tpmAt = (swtpm: Swtpm) => pushTpm({ tpm: `unix:${(swtpm.address as { path: string }).path}`, ek: 'auto' });
  const [tpm, stranger] = [tpmAt(mine), tpmAt(foreign)];
  const [described, strange] = [await tpm.describe(), await stranger.describe()];
  const listed = ekHash(described.ek);
  const { keys, native, to } = agent(tpm);

  // A host that states a TPM which the inventory does not have, or a key that is no storage key of a TPM.
  const secret = { [one]: canary };
  await assert.rejects(center.nativeForTpm(to, secret, strange, listed), refusedPush(/the inventory has/));
  await assert.rejects(
    center.nativeForTpm(to, secret, { ek: described.ek, storage: described.ek }, listed),
    refusedPush(/storage root key/),
  );
  // The identity key of the host alone opens nothing: with it on another machine, the other TPM refuses.
  const pushed = await center.nativeForTpm(to, secret, described, listed);
  await assert.rejects(agent(stranger).keys.accept(pushed), refusedPush(/TPM of this host does not open it/));
  await assert.rejects(
    agent().keys.accept(pushed),
    (error) => error instanceof Problem && error.kind === 'tpm.unavailable',
  );

  await keys.accept(pushed);
  const made = await native.generate();
  await same(made, agent(tpm).native.open(made.reference));
  assert.equal(part.store.getSecret(`${nativePrv}/${one}`), undefined, 'the key of the store does not open it');
  assertNowhere(canary);
  await assert.rejects(agent(stranger).native.open(made.reference), problem('seal.unopened', /does not open/));

  // From the disk to the TPM: what lay in the store goes away.
  await keys.accept(await center.native(to, secret, { gen: 2 }));
  assert.notEqual(part.store.getSecret(`${nativePrv}/${one}`), undefined);
  await keys.accept(await center.nativeForTpm(to, secret, described, listed, 3));
  assert.equal(part.store.getSecret(`${nativePrv}/${one}`), undefined);
  await same(made, agent(tpm).native.open(made.reference));
});

test("the keys of many VMs at once wait for one another; what others send stands in nobody's way", async () => {
  const { keys, to } = agent();
  const attacker = await testCenter('attacker', () => now);
  const garbage = await attacker.native(to, { [one]: other });
  const pushes = await Promise.all(Array.from({ length: 100 }, (_, i) => center.standard(to, `key-${i}`, canary)));
  const noise = Array.from({ length: 400 }, () => keys.accept(garbage).catch((error) => error.kind));
  const taken = await Promise.all(pushes.map((push) => keys.accept(push)));
  assert.equal(taken.length, 100);
  assert.deepEqual([...new Set(await Promise.all(noise))], ['push.refused']);
  assert.equal(keys.standardKeys(standardPrv).length, 100);
  const outcomes = await Promise.allSettled(Array.from({ length: 600 }, () => keys.accept(pushes[0]!)));
  const refused = outcomes.filter((each) => each.status === 'rejected');
  for (const { reason } of refused) assert.ok(problem('server.busy')(reason));
});
