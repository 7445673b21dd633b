import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problem } from '../testing/problem.ts';
import {
  backupEvent,
  backupOf,
  checkExport,
  currentKey,
  healthOf,
  type NativeProviderState,
  newNative,
  planImport,
  pushedState,
  removed,
  rotated,
  saved,
  trimmed,
} from './native.ts';

const [a, b, c] = ['a', 'b', 'c'].map((each) => `${each.repeat(8)}-2222-4333-8444-555555555555`) as [
  string,
  string,
  string,
];
const about = {
  prv: '11111111-2222-4333-8444-555555555555',
  name: 'vault',
  tpm_required: false,
  require_export_password: false,
  uses: ['run' as const],
};
const fresh = newNative(about, a, 100);
const active = saved(fresh, [a]);
const order = { uses: [], require_export_password: false, replace: false };
const alone = { same: undefined, others: [] };

test('a provider makes no keys before it was backed up', () => {
  assert.throws(() => currentKey(fresh), problem('provider.not-backed-up'));
  assert.throws(() => pushedState(fresh), problem('provider.not-backed-up'));
  assert.equal(healthOf(fresh).health, 'WARNING');
  assert.equal(backupEvent(fresh)?.id, 'backup.missing');
  assert.deepEqual(pushedState(active), {
    kind: 'native',
    prv: about.prv,
    name: 'vault',
    gen: 2,
    uses: ['run'],
    tpm_required: false,
    keys: [a],
    current: a,
  });
  assert.deepEqual([healthOf(active), backupEvent(active)?.id], [{ health: 'OK', details: [] }, 'backup.done']);
  assert.equal(saved(active, [a]), active, 'a second backup changes nothing for hosts');
});

test('after a rotation the old key makes keys until the new one is backed up, and stays while a VM needs it', () => {
  const turned = rotated(active, b, 200);
  assert.deepEqual([currentKey(turned), turned.gen], [a, 3]);
  assert.deepEqual(pushedState(turned).keys, [a], 'no host gets what no backup holds');
  assert.deepEqual(backupEvent(turned), { id: 'backup.outdated', provider: 'vault', key: b });
  assert.match(healthOf(turned).details.join(), new RegExp(b));
  const both = saved(turned, [a, b]);
  assert.deepEqual([currentKey(both), pushedState(both).keys], [b, [a, b]]);
  assert.equal(trimmed(both, new Set([a])), both);
  assert.deepEqual(pushedState(trimmed(both, new Set())).keys, [b]);
  assert.deepEqual(
    trimmed(turned, new Set()).keys.map(({ id }) => id),
    [a, b],
    'neither the current one nor what comes',
  );
  let many = active;
  for (let i = 0; i < 31; i++) many = rotated(many, b, i);
  assert.throws(() => rotated(many, c, 1), problem('object.in-use', /32 keys/));
});

test('a provider that VMs need is removed by force only, and what is removed stays so', () => {
  assert.throws(
    () => removed(active, ['web1', 'db1'], false),
    problem('object.in-use', /2 VMs, for instance web1, db1/),
  );
  const gone = removed(active, ['web1'], true);
  assert.deepEqual([gone.removed, gone.keys, gone.gen, healthOf(gone).health], [true, [], 3, 'NONE']);
  assert.equal(backupEvent(gone), undefined);
  for (const use of [
    () => removed(gone, [], true),
    () => rotated(gone, b, 1),
    () => pushedState(gone),
    () => checkExport(gone, true),
  ])
    assert.throws(use, problem('object.unknown', /was removed/));
});

test('an export without a password is the choice of the provider', () => {
  checkExport(active, false);
  const strict = { ...active, require_export_password: true };
  checkExport(strict, true);
  assert.throws(() => checkExport(strict, false), problem('input.invalid', /password/));
});

test('an import says what it replaces, loses no key, and comes after all that hosts were told', () => {
  const backup = backupOf(active);
  const anew = planImport(backup, alone, order);
  assert.deepEqual([anew.replaces, anew.added, anew.provider.gen], [undefined, [a], 3]);
  assert.equal(currentKey(anew.provider), a, 'what comes from a backup is backed up');

  const ahead = saved(rotated(active, b, 200), [b]);
  assert.throws(() => planImport(backup, { same: ahead, others: [] }, order), problem('object.exists', /generation 4/));
  const replacing = planImport(backup, { same: ahead, others: [] }, { ...order, replace: true });
  assert.deepEqual(replacing.replaces, { name: 'vault', gen: 4, removed: false });
  assert.deepEqual(
    [replacing.added, replacing.provider.keys.map(({ id }) => id), replacing.provider.gen],
    [[], [a, b], 5],
  );

  const others: NativeProviderState[] = [{ ...active, prv: b }];
  assert.throws(
    () => planImport(backup, { same: undefined, others }, order),
    problem('object.exists', /another provider/),
  );
  assert.equal(planImport(backup, { ...alone, others: [removed(others[0]!, [], true)] }, order).provider.gen, 3);
  assert.equal(planImport(backup, alone, { ...order, above: 40 }).provider.gen, 41);
  assert.equal(planImport({ ...backup, tpm_required: true }, alone, order).provider.tpm_required, true);
  assert.equal(
    planImport({ ...backup, tpm_required: true }, alone, { ...order, tpm_required: false }).provider.tpm_required,
    false,
  );
});

test('an import after a removal says so to hosts, also after further changes', () => {
  const gone = removed(active, [], true);
  const back = planImport(backupOf(active), { same: gone, others: [] }, order).provider;
  assert.deepEqual([pushedState(back).restores, back.gen], [3, 4]);
  assert.equal(pushedState(saved(rotated(back, b, 300), [b])).restores, 3);
  const again = planImport(backupOf(active), { same: removed(back, [], true), others: [] }, order).provider;
  assert.deepEqual([pushedState(again).restores, again.gen], [5, 6]);
});
