import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import type { Command } from 'commander';
import { callPart, globalsOf } from '../../context.ts';
import { print, type View } from '../../output.ts';
import { type ImageSummary, imagePath } from './summary.ts';

/** A base image with its hosts, as attestd shows it. */
interface ShownImage extends Omit<ImageSummary, 'hosts'> {
  readonly imported: string;
  readonly activated?: { readonly at: string; readonly by: string };
  readonly last_attested_time?: string;
  readonly hosts: readonly { readonly host: string; readonly last: string; readonly passed?: string }[];
  readonly image: BaseImage;
}

const view: View<ShownImage> = {
  fields: [
    ['name', ({ name }) => name],
    ['version', ({ version }) => version],
    ['state', ({ standing }) => standing],
    ['from', ({ not_before }) => not_before],
    ['until', ({ not_after }) => not_after],
    ['captured', ({ created }) => created],
    ['imported', ({ imported }) => imported],
    ['activated', ({ activated }) => activated && `${activated.at} by ${activated.by}`],
    ['kernel', ({ kernel }) => kernel],
    ['command line', ({ image }) => image.command_line],
    ['agent', ({ image: { agent } }) => agent && `${agent.path}, SHA-256 ${agent.sha256}`],
    ['coverage', ({ coverage }) => coverage],
    ['last attested', ({ last_attested_time }) => last_attested_time],
    ['hosts', ({ hosts }) => hosts.map(({ host, last, passed }) => `${host}, ${last}${passed ? '' : ', dry run'}`)],
  ],
  name: ({ name }) => name,
};

/** `vouchsafe image show`. */
export function addShow(image: Command): void {
  image
    .command('show <name>')
    .description('show a base image, and which hosts have it; hosts of a staged image are a dry run')
    .addHelpText(
      'after',
      "\nExamples:\n  vouchsafe image show debian-12.11\n  vouchsafe image show debian-12.11 -o json | jq -r '.hosts[].host'",
    )
    .action(async (name: string, _options, command: Command) => {
      const { image, ...shown } = (await callPart(command, 'attestd', 'GET', imagePath(name))) as ShownImage;
      const { output } = globalsOf(command);
      const { event_log: _log, ...rest } = image;
      print({ ...shown, image: output === 'table' ? image : (rest as BaseImage) }, view, output);
    });
}
