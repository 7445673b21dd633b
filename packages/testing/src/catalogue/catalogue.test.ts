import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { before, describe, test } from 'node:test';
import { without } from '../attestation/without.ts';
import { type Bystanders, families, type Mutation } from './case.ts';
import { catalogue } from './catalogue.ts';
import { createTpm, createWorld, honestParts } from './honest.ts';
import { outcomeOf } from './outcome.ts';

const home = resolve(import.meta.dirname, '../../../..');

describe('the catalogue of attacks and false rejects', () => {
  let bystanders: Bystanders;

  before(async () => {
    const world = await createWorld();
    const [tpm, otherTpm] = [await createTpm(world), await createTpm(world)];
    bystanders = { world, tpm, other: { tpm: otherTpm, parts: honestParts(world, otherTpm) } };
  });

  const honest = () => honestParts(bystanders.world, bystanders.tpm);

  test('the honest attestation is accepted', () => {
    assert.deepEqual(outcomeOf(honest()), { trusted: true, findings: [], details: [] });
  });

  for (const { id, what, mutations = [] } of catalogue) {
    if (mutations.length === 0) continue;
    describe(`${id} ${what}`, () => {
      for (const mutation of mutations) test(mutation.change, () => proven(mutation));
    });
  }

  async function proven({ mutate, expect, without: check }: Mutation): Promise<void> {
    const changed = await mutate(honest(), bystanders);
    const outcome = outcomeOf(changed);
    if (expect === 'accept') return assert.deepEqual(outcome, { trusted: true, findings: [], details: [] });
    if ('problem' in expect) {
      assert.ok('problem' in outcome, `expected a refusal to read it: ${JSON.stringify(outcome)}`);
      return assert.equal(outcome.problem, expect.problem, outcome.message);
    }
    assert.ok('trusted' in outcome, JSON.stringify(outcome));
    assert.deepEqual(
      [outcome.trusted, outcome.findings],
      [false, expect.findings.toSorted()],
      outcome.details.join('\n'),
    );
    if (check === undefined) return;
    const lax = outcomeOf(changed, without(...[check].flat()));
    assert.ok('trusted' in lax && lax.trusted, `without ${check} the attack succeeds: ${JSON.stringify(lax)}`);
  }
});

test('every case of the catalogue stands in it once, in its order, and is proven or says what it waits for', () => {
  const sizes = { S: 11, P: 15, N: 10, K: 19, C: 15, L: 20, T: 10, B: 12, J: 10, R: 13, O: 14, X: 20 };
  const expected = Object.entries(sizes).flatMap(([family, size]) =>
    Array.from({ length: size }, (_, i) =>
      family === 'X' ? `X${i + 1}` : `${family}${String(i + 1).padStart(2, '0')}`,
    ),
  );
  assert.deepEqual(Object.keys(families), Object.keys(sizes));
  assert.deepEqual(
    catalogue.map(({ id }) => id),
    expected,
  );
  const open = catalogue.filter(({ mutations, tests, waits }) => !mutations?.length && !tests?.length && !waits);
  assert.deepEqual(
    open.map(({ id }) => id),
    [],
    'cases that nothing proves',
  );
});

test('the tests that prove cases elsewhere are there', () => {
  const missing = catalogue.flatMap(({ id, tests = [] }) =>
    tests
      .filter(({ file, test: name }) => !readFileSync(resolve(home, file), 'utf8').includes(name))
      .map(({ file, test: name }) => `${id}: ${file}: ${name}`),
  );
  assert.deepEqual(missing, []);
});
