import assert from 'node:assert/strict';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { attestationChecks } from '@vouchsafe/domain/attestation/checks/table';
import { HostConfig, parseHostConfig } from '@vouchsafe/services/config/host';
import { KmsConfig } from '@vouchsafe/services/kms/config';
import { LimitsConfig } from '@vouchsafe/services/kms/limits';
import { Command } from 'commander';
import { applyFile, Wanted } from './apply.ts';

const home = resolve(import.meta.dirname, '../../..');
const pages = globSync(['*.md', 'docs/**/*.md', 'packages/*/README.md'], { cwd: home });
const page = (path: string) => readFileSync(resolve(home, path), 'utf8');
const blocks = (path: string, language: string) =>
  [...page(path).matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, text = '']) => text);

test('links between pages lead somewhere', () => {
  const broken = pages.flatMap((path) =>
    [...page(path).matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g)]
      .map(([, target = '']) => ({ path, target }))
      .filter(({ target }) => !existsSync(resolve(home, dirname(path), target))),
  );
  assert.deepEqual(broken, []);
});

test('every key of host.toml is documented', () => {
  for (const key of keysOf(HostConfig))
    assert.match(page('docs/configuration.md'), new RegExp(`\`\\[?${key}\\]?\``), key);
});

test('every key of kms.toml and of its limits is documented', () => {
  const limits = Object.keys(LimitsConfig.properties);
  for (const key of [...Object.keys(KmsConfig.properties), ...limits])
    assert.match(page('docs/key-server.md'), new RegExp(`\\| \`\\[?${key}\\]?\` \\|`), key);
});

test('every key of a file for apply is documented, there or among the rules', () => {
  const text = page('docs/apply.md') + page('docs/rules.md');
  for (const key of keysOf(Wanted)) assert.match(text, new RegExp(`[\`.\\]]${key}[\`.\\[\n]`), key);
});

test('every attestation check stands in the record of their order, in that order', () => {
  const order = attestationChecks.map(({ id }) => `\`${id}\``).join(' → ');
  assert.ok(page('docs/adr/0007-order-of-the-checks.md').includes(order), order);
});

test('the examples of host.toml are valid', () => {
  const examples = blocks('docs/configuration.md', 'toml');
  assert.deepEqual(
    examples.map((text) => parseHostConfig(text).role),
    ['trust-authority', 'trusted'],
  );
});

test('the examples of files for apply are valid', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vouchsafe-docs-'));
  try {
    const examples = blocks('docs/apply.md', 'yaml');
    assert.equal(examples.length, 2);
    for (const [i, text] of examples.entries()) {
      const file = join(folder, `${i}.yaml`);
      writeFileSync(file, text);
      for await (const line of applyFile(new Command(), file, true)) assert.match(line, /: would be done$/);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Names of all members of a schema, at any depth. */
function keysOf(schema: object): string[] {
  const { properties = {}, items } = schema as { properties?: Record<string, object>; items?: object };
  const own = Object.entries(properties).flatMap(([name, each]) => [name, ...keysOf(each)]);
  return items === undefined ? own : [...own, ...keysOf(items)];
}
