import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { problems } from '@vouchsafe/domain/problem';
import { documentedCommands } from './reference/commands.ts';
import { managementOperations } from './reference/management.ts';
import { referencePages } from './reference/pages.ts';

const home = resolve(import.meta.dirname, '../../..');
const page = (path: string) => readFileSync(resolve(home, path), 'utf8');

for (const [path, make] of Object.entries(referencePages)) {
  test(`${path} says what the code says`, () => {
    assert.equal(page(path), make(), 'out of date: node deploy/reference.ts');
  });
}

test('every problem and every command has its entry', () => {
  for (const kind of Object.keys(problems)) assert.ok(page('docs/problems.md').includes(`| \`${kind}\` |`), kind);
  for (const { name } of documentedCommands()) assert.ok(page('docs/cli.md').includes(`\n## ${name}\n`), name);
});

test('every help ends with at least two examples of its own command', () => {
  for (const { name, help } of documentedCommands()) {
    const examples = help.split('\nExamples:\n')[1]?.split('\n') ?? [];
    const own = examples.filter((line) => line.includes(name));
    assert.ok(own.length >= 2, `${name}: ${own.length} examples`);
  }
});

test('a command that a hint names exists', () => {
  const known = documentedCommands().map(({ name }) => name);
  const exists = (words: string) =>
    known.some((name) => `${words} `.startsWith(`${name} `) || name.startsWith(`${words} `));
  for (const [kind, { hint }] of Object.entries(problems)) {
    for (const [, words = ''] of hint.matchAll(/(?:^|`)(vouchsafe(?: [a-z]+(?:-[a-z]+)*)+)/g))
      assert.ok(exists(words), `${kind}: ${words}`);
  }
});

test('no two operations of a part share a name, or method and path', () => {
  for (const [part, , operations] of managementOperations) {
    const names = operations.map(({ name }) => name);
    const places = operations.map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual([new Set(names).size, new Set(places).size], [names.length, places.length], part);
  }
});

test('every problem that keeps a VM from starting is explained to the operator', () => {
  const text = page('docs/operations.md');
  for (const kind of startRefusals) assert.ok(text.includes(`\`${kind}\``), kind);
});

/** What `virsh start` can meet: the checks of the agent, and what attestd, kmxd, libvirt and the TPM may answer. */
const startRefusals = Object.keys(problems).filter((kind) =>
  /^(attestation|challenge|disk\.(not-encrypted|unexpected)|group|host\.(state|swap|tpm|unsupported)|key\.|keysafe|kmip|libvirt|proof|provider|release|server|service|token|tpm|audit\.unwritable|input\.malformed)/.test(
    kind,
  ),
);
