import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import type { ImageComparison } from '@vouchsafe/domain/attestation/image-comparison';
import type { Command } from 'commander';
import { callPart, globalsOf } from '../../context.ts';
import { print, type View } from '../../output.ts';
import { type ImageSummary, imagePath, images, origin } from './summary.ts';

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
    ['origin', (shown) => [...origin(shown)]],
    ['coverage', ({ coverage }) => coverage],
    ['last attested', ({ last_attested_time }) => last_attested_time],
    ['hosts', ({ hosts }) => hosts.map(({ host, last, passed }) => `${host}, ${last}${passed ? '' : ', dry run'}`)],
  ],
  name: ({ name }) => name,
};

/** What an import would do. */
interface Preview extends Omit<ImageSummary, 'hosts'> {
  readonly objections: readonly string[];
  readonly difference?: ImageComparison;
}

const previewView: View<Preview> = {
  fields: [
    ['name', ({ name }) => name],
    ['version', ({ version }) => version],
    ['captured', ({ created }) => created],
    ['kernel', ({ kernel }) => kernel],
    ['origin', (shown) => [...origin(shown)]],
    ['coverage', ({ coverage }) => coverage],
    ['compared with', ({ difference }) => difference?.from ?? 'no image is active'],
    ['changed', ({ difference }) => difference?.changed.map(({ part, text }) => `${part}: ${text}`)],
    ['unchanged', ({ difference }) => difference?.unchanged.join(', ')],
    ['events', ({ difference }) => difference?.events],
    ['against it', ({ objections }) => objections],
  ],
  name: ({ name }) => name,
};

/** `vouchsafe image preview`: the import of a file as a difference. */
export function addPreview(image: Command): void {
  image
    .command('preview <file>')
    .description(
      'show what the import of a file would do: how it departs from the nearest active image; writes nothing',
    )
    .option('--signature <file>', 'its signature; without the option the .jws file beside it, when there is one')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe image preview debian-12.11.json\n  vouchsafe image preview debian-12.11.json -o json | jq .difference.changed',
    )
    .action(async (file: string, { signature }: { signature?: string }, command: Command) => {
      const { readUpload } = await import('../../image-file.ts');
      const body = { ...readUpload(file, signature).body, userspace_unmeasured: true };
      const preview = (await callPart(command, 'attestd', 'POST', `${images}/preview`, body)) as Preview;
      print(preview, previewView, globalsOf(command).output);
      if (preview.objections.length > 0) process.exitCode = 3;
    });
}

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
