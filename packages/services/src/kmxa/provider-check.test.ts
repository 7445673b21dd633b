import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { test } from 'node:test';
import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import type { Kek, KeyProvider } from '@vouchsafe/domain/keys/provider';
import { Problem } from '@vouchsafe/domain/problem';
import { checkProvider } from './provider-check.ts';

const id = '0e2f43a5-5d0c-4a3c-9c2f-6a1f5e6b7c8d';
const kek = (fill: number): Kek => ({
  reference: { kind: 'trusted', prv: id, ct: 'ct' },
  key: createSecretKey(Buffer.alloc(32, fill)),
  uses: ['run'],
});

/** A provider that makes and opens the keys that it is told to. */
function provider(generate: () => Kek, open: () => Kek): KeyProvider {
  return { id, kind: 'trusted', generate: async () => generate(), open: async () => open() };
}

const refuse = (): never => {
  throw new Problem('attestation.refused', 'another kernel');
};

const outcomes = [
  {
    name: 'a key that comes back the same',
    of: provider(
      () => kek(1),
      () => kek(1),
    ),
    problem: undefined,
  },
  {
    name: 'another key than the one made',
    of: provider(
      () => kek(1),
      () => kek(2),
    ),
    problem: 'service.untrusted',
  },
  { name: 'no key', of: provider(refuse, refuse), problem: 'attestation.refused' },
  { name: 'a key that cannot be opened again', of: provider(() => kek(1), refuse), problem: 'attestation.refused' },
];

for (const { name, of, problem } of outcomes) {
  test(`${name}: ${problem ?? 'the check says so'}, and the audit has it`, async () => {
    const entries: AuditEntry[] = [];
    const checked = checkProvider(of, (entry) => entries.push(entry));
    if (problem === undefined) assert.deepEqual(await checked, { provider: id, kind: 'trusted', uses: ['run'] });
    else await assert.rejects(checked, { kind: problem });
    assert.equal(entries.length, 1);
    assert.deepEqual(
      [entries[0]?.action, entries[0]?.outcome, entries[0]?.problem, entries[0]?.target.id],
      ['provider.check', problem === undefined ? 'success' : 'failure', problem, id],
    );
  });
}

test('an audit that cannot be written fails the check', async () => {
  const full = () => {
    throw new Problem('audit.unwritable', 'disk full');
  };
  await assert.rejects(
    checkProvider(
      provider(
        () => kek(1),
        () => kek(1),
      ),
      full,
    ),
    { kind: 'audit.unwritable' },
  );
});
