import type { Command } from 'commander';
import { awaitAcknowledgements } from '../../acknowledged.ts';
import { callPart, globalsOf } from '../../context.ts';
import { print, say } from '../../output.ts';
import { type ImageSummary, imagePath, images, summaryView } from './summary.ts';

/** `vouchsafe image list`, `activate`, `retire` and `delete`. */
export function addStates(image: Command): void {
  image
    .command('list')
    .description('list the base images and their state, on a Trust Authority host')
    .addHelpText('after', '\nExamples:\n  vouchsafe image list\n  vouchsafe image list -o name')
    .action(async (_options, command: Command) => {
      print(
        (await callPart(command, 'attestd', 'GET', images)) as ImageSummary[],
        summaryView,
        globalsOf(command).output,
      );
    });
  image
    .command('activate <name>')
    .description('let hosts have a base image from now on')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe image activate debian-12.11\n  vouchsafe image activate golden -o json',
    )
    .action(async (name: string, _options, command: Command) => await act(command, name, 'activate'));
  image
    .command('retire <name>')
    .description('stop trusting a base image, and keep it so that a refusal can name it')
    .addHelpText('after', '\nExamples:\n  vouchsafe image retire debian-12.10\n  vouchsafe image retire golden -o json')
    .action(async (name: string, _options, command: Command) => {
      await act(command, name, 'retire');
      await tellGroup(command, name);
    });
  image
    .command('delete <name>')
    .description('stop trusting a base image and forget it; tokens of before are refused')
    .addHelpText('after', '\nExamples:\n  vouchsafe image delete debian-12.10\n  vouchsafe image delete golden')
    .action(async (name: string, _options, command: Command) => {
      await callPart(command, 'attestd', 'DELETE', imagePath(name));
      await tellGroup(command, name);
    });
}

async function act(command: Command, name: string, what: 'activate' | 'retire'): Promise<void> {
  const summary = (await callPart(command, 'attestd', 'POST', `${imagePath(name)}/${what}`)) as ImageSummary;
  print(summary, summaryView, globalsOf(command).output);
}

async function tellGroup(command: Command, name: string): Promise<void> {
  say(`image ${name} is not trusted here any more, and tokens of before are refused: hosts attest again`);
  say('other Trust Authority hosts have images of their own: `vouchsafe ta level` there');
  await awaitAcknowledgements(command);
}
