/**
 * Writes the pages of the documentation that are made from code. With `--check` it writes nothing and leaves with 1
 * when a page is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { referencePages } from '@vouchsafe/cli/reference/pages';

const check = process.argv.includes('--check');
for (const [path, make] of Object.entries(referencePages)) {
  const file = resolve(import.meta.dirname, '..', path);
  const text = make();
  if (!check) writeFileSync(file, text);
  else if (contentOf(file) !== text) {
    process.stderr.write(`${path} is out of date: node deploy/reference.ts\n`);
    process.exitCode = 1;
  }
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
