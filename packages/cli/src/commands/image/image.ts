import type { Command } from 'commander';
import { addCapture } from './capture.ts';
import { addCompositions } from './compositions.ts';
import { addFromPackages } from './from-packages.ts';
import { addImport } from './import.ts';
import { addMinimums } from './minimums.ts';
import { addPreview, addShow } from './show.ts';
import { addSignatures } from './signatures.ts';
import { addStates } from './states.ts';

/** `vouchsafe image`: the boots that hosts may have. */
export function addImage(program: Command): void {
  const image = program.command('image').description('base images: the boots that hosts may have');
  for (const add of [
    addCapture,
    addFromPackages,
    addImport,
    addPreview,
    addShow,
    addSignatures,
    addStates,
    addCompositions,
    addMinimums,
  ])
    add(image);
}
