import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import type { Command } from 'commander';
import { callPart, globalsOf } from '../context.ts';
import { readInput, writeNew } from '../files.ts';
import { print, say, type View } from '../output.ts';
import { addFromPackages } from './image-from-packages.ts';

interface ImageSummary {
  readonly name: string;
  readonly version: string;
  readonly created: string;
  readonly standing: string;
  readonly coverage: string;
}

const view: View<ImageSummary> = {
  columns: [
    ['name', ({ name }) => name],
    ['version', ({ version }) => version],
    ['state', ({ standing }) => standing],
    ['created', ({ created }) => created],
    ['coverage', ({ coverage }) => coverage],
  ],
  name: ({ name }) => name,
  empty: 'no base image is imported: no host can be attested',
};

interface ImportOptions {
  readonly activate?: boolean;
  readonly userspaceUnmeasured?: boolean;
  readonly notBefore?: string;
  readonly notAfter?: string;
}

const path = '/attestation/os/base-images';

/** `vouchsafe image`: the boots that hosts may have. */
export function addImage(program: Command): void {
  const image = program.command('image').description('base images: the boots that hosts may have');
  image
    .command('capture <name>')
    .description('write the boot of this host as a base image')
    .requiredOption('--file <file>', 'where to write it; must not exist')
    .option('--version-label <text>', 'what it is, for people', '')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe image capture debian-12.11 --file debian-12.11.json\n  vouchsafe image capture golden --file golden.json --version-label "kernel 6.1.192"',
    )
    .action(async (name: string, { file, versionLabel }: { file: string; versionLabel: string }, command: Command) => {
      const body = { name, version: versionLabel };
      const { image, coverage } = (await callPart(command, 'kmxa', 'POST', '/trusted-infrastructure/image', body)) as {
        image: BaseImage;
        coverage: string;
      };
      writeNew(file, `${JSON.stringify(image, undefined, 2)}\n`);
      say(`${file}: ${coverage}`);
    });
  addFromPackages(image);
  image
    .command('import <file>')
    .description('stage a base image, on a Trust Authority host: hosts that have it are told, none passes yet')
    .option('--activate', 'let hosts have it at once')
    .option('--userspace-unmeasured', 'accept that the image does not cover userspace')
    .option('--not-before <moment>', 'it counts from this moment on, ISO 8601 in UTC')
    .option('--not-after <moment>', 'it counts until this moment, ISO 8601 in UTC')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe image import debian-12.11.json\n  vouchsafe image import golden.json --activate --userspace-unmeasured --not-after 2027-01-31T00:00:00Z',
    )
    .action(async (file: string, options: ImportOptions, command: Command) => {
      const { readImage } = await import('../image-file.ts');
      const body = {
        image: readImage(file, readInput(file)),
        userspace_unmeasured: options.userspaceUnmeasured ?? false,
        activate: options.activate ?? false,
        ...(options.notBefore !== undefined && { not_before: options.notBefore }),
        ...(options.notAfter !== undefined && { not_after: options.notAfter }),
      };
      const summary = (await callPart(command, 'attestd', 'POST', path, body)) as ImageSummary;
      print(summary, view, globalsOf(command).output);
      if (summary.standing === 'staged') say(`it is staged: vouchsafe image activate ${summary.name}`);
    });
  image
    .command('activate <name>')
    .description('let hosts have a base image from now on')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe image activate debian-12.11\n  vouchsafe image activate golden -o json',
    )
    .action(async (name: string, _options, command: Command) => {
      const at = `${path}/${encodeURIComponent(name)}/activate`;
      print((await callPart(command, 'attestd', 'POST', at)) as ImageSummary, view, globalsOf(command).output);
    });
  image
    .command('retire <name>')
    .description('stop trusting a base image, and keep it so that a refusal can name it')
    .addHelpText('after', '\nExamples:\n  vouchsafe image retire debian-12.10\n  vouchsafe image retire golden -o json')
    .action(async (name: string, _options, command: Command) => {
      const at = `${path}/${encodeURIComponent(name)}/retire`;
      print((await callPart(command, 'attestd', 'POST', at)) as ImageSummary, view, globalsOf(command).output);
      say('tokens that were given for it live up to ten minutes');
    });
  image
    .command('list')
    .description('list the base images and their state, on a Trust Authority host')
    .addHelpText('after', '\nExamples:\n  vouchsafe image list\n  vouchsafe image list -o name')
    .action(async (_options, command: Command) => {
      print((await callPart(command, 'attestd', 'GET', path)) as ImageSummary[], view, globalsOf(command).output);
    });
  image
    .command('delete <name>')
    .description('stop trusting a base image and forget it; tokens that were given for it live up to ten minutes')
    .addHelpText('after', '\nExamples:\n  vouchsafe image delete debian-12.10\n  vouchsafe image delete golden')
    .action(async (name: string, _options, command: Command) => {
      await callPart(command, 'attestd', 'DELETE', `${path}/${encodeURIComponent(name)}`);
      say(`image ${name} is not trusted any more`);
    });
}
