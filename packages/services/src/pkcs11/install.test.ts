import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { problem } from '@vouchsafe/domain/testing/problem';
import { ensurePkcs11, pkcs11Package } from './install.ts';

let folder = '';
const path = process.env.PATH;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pkcs11-'));
  for (const name of ['package.json', 'package-lock.json'])
    copyFileSync(join(dirname(pkcs11Package), name), join(folder, name));
});
afterEach(() => {
  process.env.PATH = path;
  rmSync(folder, { recursive: true });
});

const ensure = (said: string[] = []) => ensurePkcs11((line) => said.push(line), join(folder, 'package.json'));

test('missing build tools are named with the command that installs them', async () => {
  process.env.PATH = '/nonexistent';
  const said: string[] = [];
  await assert.rejects(
    ensure(said),
    problem('host.package-missing', /apt-get install --no-install-recommends npm g\+\+ make python3/),
  );
  assert.deepEqual(said, []);
});

test('what npm says is told, and nothing counts as installed', async () => {
  writeFileSync(join(folder, 'package.json'), '{ no JSON');
  await assert.rejects(
    ensure(),
    problem('host.package-missing', /npm ci in .* failed: .*npm (?:error|ERR!).*check the network/),
  );
  assert.ok(!existsSync(join(folder, 'node_modules', '.vouchsafe-lock')));
});

test('the single executable says that it has none', async () => {
  await assert.rejects(
    ensurePkcs11(() => undefined, ''),
    problem('host.unsupported'),
  );
});
