import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';

const home = resolve(import.meta.dirname, '../../..');

/** The packages from the ground up: imports point down only. */
const layers = [
  ['bytes'],
  ['tpm2', 'eventlog', 'kmip', 'luks'],
  ['domain'],
  ['store'],
  ['services'],
  ['testing'],
  ['cli'],
];
const layerOf = (name: string) => layers.findIndex((layer) => layer.includes(name));

const sources = globSync('packages/*/src/**/*.ts', { cwd: home });
const statement = /^(?:import|export)\b[^;']*?from '([^']+)'|^import '([^']+)'|import\('([^']+)'\)/gm;
const imports = sources.flatMap((file) =>
  [...readFileSync(resolve(home, file), 'utf8').matchAll(statement)].map(([, named, bare, dynamic]) => ({
    file,
    from: file.split('/')[1] ?? '',
    target: named ?? bare ?? dynamic ?? '',
  })),
);

test('imports between packages point down, and only to declared dependencies', () => {
  const wrong = imports.filter(({ from, target }) => {
    if (!target.startsWith('@vouchsafe/')) return false;
    const to = target.split('/')[1] ?? '';
    return to !== from && (layerOf(to) >= layerOf(from) || !declared(from).has(`@vouchsafe/${to}`));
  });
  assert.deepEqual(wrong, []);
});

test('third-party packages are imported only where they are declared', () => {
  const wrong = imports.filter(({ file, from, target }) => {
    if (target.startsWith('.') || target.startsWith('node:') || target.startsWith('@vouchsafe/')) return false;
    const name = target
      .split('/')
      .slice(0, target.startsWith('@') ? 2 : 1)
      .join('/');
    return !declared(from).has(name) && !(isTestCode(file) && rootTools.has(name));
  });
  assert.deepEqual(wrong, []);
});

test('files reach into their own package only', () => {
  const wrong = imports.filter(({ file, target }) => {
    if (!target.startsWith('.')) return false;
    return !resolve(home, file, '..', target).startsWith(resolve(home, 'packages', file.split('/')[1] ?? '', 'src'));
  });
  assert.deepEqual(wrong, []);
});

test('what is to be published alone carries no product words', () => {
  const wrong = sources.filter(
    (file) =>
      /^packages\/(tpm2|eventlog|kmip)\//.test(file) &&
      !isTestCode(file) &&
      /vouchsafe(?!\/)/i.test(readFileSync(resolve(home, file), 'utf8').replaceAll('@vouchsafe/', '@/')),
  );
  assert.deepEqual(wrong, []);
});

const isTestCode = (file: string): boolean => /\.test\.ts$|\/testing\//.test(file);
const rootTools = new Set(Object.keys(manifest('.').devDependencies ?? {}));

function declared(name: string): Set<string> {
  return new Set(Object.keys(manifest(`packages/${name}`).dependencies ?? {}));
}

function manifest(folder: string): { dependencies?: Record<string, string>; devDependencies?: Record<string, string> } {
  return JSON.parse(readFileSync(resolve(home, folder, 'package.json'), 'utf8'));
}
