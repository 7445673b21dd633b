import { writeFileSync } from 'node:fs';
import { playAll } from './conformance.ts';
import { conformancePage } from './table.ts';

/** Plays all cases of `$VOUCHSAFE_CORPUS` and writes the page about them. */
const corpus = process.env.VOUCHSAFE_CORPUS;
if (corpus === undefined) throw new Error('VOUCHSAFE_CORPUS is not set: it names the folder with the test cases');
writeFileSync(
  new URL('../../../../../../docs/kmip-conformance.md', import.meta.url),
  conformancePage(await playAll(corpus)),
);
