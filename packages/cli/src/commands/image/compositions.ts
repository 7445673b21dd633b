import type { Composition } from '@vouchsafe/domain/attestation/composition';
import type { Command } from 'commander';
import { callPart, globalsOf } from '../../context.ts';
import { print, say, type View } from '../../output.ts';

const path = '/attestation/os/compositions';

const view: View<Composition> = {
  columns: [
    ['name', ({ name }) => name],
    ['firmware', ({ firmware }) => firmware],
    ['boot', ({ boot }) => boot],
    ['by', ({ by }) => by],
    ['since', ({ since }) => since],
  ],
  name: ({ name }) => name,
  empty: 'no composition is declared: a host must match one base image as a whole',
};

/** `vouchsafe image compose`, `compositions` and `decompose`. */
export function addCompositions(image: Command): void {
  image
    .command('compose <name>')
    .description('let hosts have the firmware of one base image with the boot of another')
    .requiredOption('--firmware <image>', 'the image that PCR 0, 2 and 3 come from')
    .requiredOption('--boot <image>', 'the image that all other PCRs come from')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe image compose bios2-debian-12.11 --firmware bios2-debian-12.10 --boot debian-12.11\n  vouchsafe image compose mixed --firmware a --boot b -o json',
    )
    .action(async (name: string, { firmware, boot }: { firmware: string; boot: string }, command: Command) => {
      const declared = (await callPart(command, 'attestd', 'POST', path, { name, firmware, boot })) as Composition;
      print(declared, view, globalsOf(command).output);
    });
  image
    .command('compositions')
    .description('list the declared compositions')
    .addHelpText('after', '\nExamples:\n  vouchsafe image compositions\n  vouchsafe image compositions -o json')
    .action(async (_options, command: Command) => {
      print((await callPart(command, 'attestd', 'GET', path)) as Composition[], view, globalsOf(command).output);
    });
  image
    .command('decompose <name>')
    .description('stop trusting a composition; its images stay as they are')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe image decompose bios2-debian-12.11\n  vouchsafe image compositions -o name | xargs -n1 vouchsafe image decompose',
    )
    .action(async (name: string, _options, command: Command) => {
      await callPart(command, 'attestd', 'DELETE', `${path}/${encodeURIComponent(name)}`);
      say(`composition ${name} is not trusted any more`);
    });
}
