import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { type BootRecord, bootRecordOf } from '@vouchsafe/domain/attestation/boot-record';
import type { Challenge } from '@vouchsafe/domain/attestation/challenge';
import { nameOf, qualifiedNameOf } from '@vouchsafe/tpm2/name';
import { sampleQuote, softwareKey } from '@vouchsafe/tpm2/testing/software-key';
import { routesOf } from '../management/operation.ts';
import { type TestPart, testPart } from '../management/testing/part.ts';
import { BootHistories } from './boot-histories.ts';
import { boots } from './operations/boots.ts';
import type { RegistryContext } from './operations/context.ts';

const keys = Array.from({ length: 7 }, () => softwareKey('ecc').publicArea);
const ek = 'ab'.repeat(32);
const clockInfo = { clock: 1n, resetCount: 1, restartCount: 0, safe: true };
const signer = (hierarchy: number, i: number) =>
  qualifiedNameOf(Uint8Array.of(0x40, 0, 0, hierarchy), nameOf(keys[i]!));

const record = (i: number, hierarchy: number): BootRecord =>
  bootRecordOf(keys[i]!, { clockInfo, qualifiedSigner: signer(hierarchy, i) });
const [endorsement, owner] = [0x0b, 0x01];

let part: TestPart;
beforeEach(() => {
  part = testPart();
});
afterEach(() => part.close());

const last = (histories: BootHistories, i: number, hierarchy = endorsement, of = ek) =>
  histories.last({ ek: of, ak: keys[i]! } as Challenge, sampleQuote({ qualifiedSigner: signer(hierarchy, i) }));

test('a quote that shows its counters is compared with the last such one, whichever key made it', () => {
  const histories = new BootHistories(part.store);
  assert.equal(last(histories, 0), undefined);
  histories.put(ek, record(0, endorsement));
  assert.deepEqual(last(histories, 1), record(0, endorsement));
  histories.put(ek, record(1, endorsement));
  assert.deepEqual(last(histories, 0), record(1, endorsement));
  assert.equal(last(histories, 0, endorsement, 'cd'.repeat(32)), undefined);
});

test('the same key beside another EK of the TPM is compared with what it said beside the first', () => {
  const histories = new BootHistories(part.store);
  const other = 'cd'.repeat(32);
  histories.put(ek, { ...record(0, endorsement), resetCount: 5 });
  assert.equal(last(histories, 0, endorsement, other)?.resetCount, 5);
  histories.put(other, { ...record(0, endorsement), resetCount: 6 });
  assert.equal(last(histories, 0)?.resetCount, 6);
  histories.flush();
  assert.equal(last(new BootHistories(part.store), 0)?.resetCount, 6);
});

test('a key that hides them is compared with itself, or with one that showed them', () => {
  const histories = new BootHistories(part.store);
  histories.put(ek, record(0, endorsement));
  assert.deepEqual(last(histories, 1, owner), record(0, endorsement));
  histories.put(ek, record(1, owner));
  assert.deepEqual(last(histories, 1, owner), record(1, owner));
  assert.deepEqual(last(histories, 1, endorsement), record(0, endorsement));
});

test('of keys that hide them the last four are remembered', () => {
  const histories = new BootHistories(part.store);
  for (let i = 0; i < 6; i++) histories.put(ek, record(i, owner));
  assert.equal(histories.of(ek).length, 4);
  assert.deepEqual(last(histories, 5, owner), record(5, owner));
  assert.deepEqual(last(histories, 0, owner), record(5, owner), 'the last one stands for those that are forgotten');
});

test('what is flushed is there after a restart, in the form of earlier versions too', () => {
  const old = { ak: 'ff', resetCount: 1, restartCount: 0, clock: '5', safe: true };
  part.store.putState('boots', 'cd'.repeat(32), old);
  const histories = new BootHistories(part.store);
  histories.put(ek, record(0, endorsement));
  assert.deepEqual(new BootHistories(part.store).of(ek), []);
  histories.flush();
  const again = new BootHistories(part.store);
  assert.deepEqual(again.of(ek), [record(0, endorsement)]);
  assert.deepEqual(again.of('cd'.repeat(32)), [old]);
});

test('a TPM that is forgotten is new, also after a restart', () => {
  const histories = new BootHistories(part.store);
  histories.put(ek, record(0, endorsement));
  histories.flush();
  histories.put(ek, record(1, endorsement));
  assert.equal(histories.forget(ek), true);
  histories.flush();
  assert.deepEqual([histories.of(ek), new BootHistories(part.store).of(ek)], [[], []]);
  assert.equal(histories.forget(ek), false);
});

test('an administrator forgets a TPM on record, and not without one', async () => {
  const histories = new BootHistories(part.store);
  histories.put(ek, record(0, endorsement));
  histories.flush();
  const context = { boots: histories, store: part.store, audit: part.audit } as unknown as RegistryContext;
  const client = await part.serve(routesOf(boots(context)));
  const path = `/attestation/tpm2/endorsement-keys/${ek}/boots`;
  assert.deepEqual((await client.call('GET', path)).body, [record(0, endorsement)]);
  part.full = true;
  await assert.rejects(client.call('DELETE', path));
  assert.deepEqual([histories.of(ek).length, new BootHistories(part.store).of(ek).length], [1, 1]);
  part.full = false;
  await client.call('DELETE', path);
  assert.deepEqual(
    part.records.map(({ action }) => action),
    ['host.forget-boots'],
  );
  assert.deepEqual(new BootHistories(part.store).of(ek), []);
  for (const method of ['GET', 'DELETE'] as const)
    await assert.rejects(client.call(method, path), { kind: 'object.unknown' });
});

test('an attestation that cannot be read is compared with what the key said itself', () => {
  const histories = new BootHistories(part.store);
  histories.put(ek, record(0, owner));
  histories.put(ek, record(1, endorsement));
  const broken = histories.last({ ek, ak: keys[0]! } as Challenge, new Uint8Array(3));
  assert.deepEqual(broken, record(0, owner));
});
