import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import type { Command } from 'commander';
import { callPart, globalsOf } from '../context.ts';
import { readInput, writeNew } from '../files.ts';
import { print, say, type View } from '../output.ts';

interface ImageSummary {
  readonly name: string;
  readonly version: string;
  readonly created: string;
  readonly coverage: string;
}

const view: View<ImageSummary> = {
  columns: [
    ['name', ({ name }) => name],
    ['version', ({ version }) => version],
    ['created', ({ created }) => created],
    ['coverage', ({ coverage }) => coverage],
  ],
  name: ({ name }) => name,
  empty: 'no base image is imported: no host can be attested',
};

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
  image
    .command('import <file>')
    .description('trust a base image, on a Trust Authority host')
    .option('--userspace-unmeasured', 'accept that the image does not cover userspace')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe image import debian-12.11.json\n  vouchsafe image import golden.json --userspace-unmeasured',
    )
    .action(
      async (file: string, { userspaceUnmeasured = false }: { userspaceUnmeasured?: boolean }, command: Command) => {
        const { readImage } = await import('../image-file.ts');
        const body = { image: readImage(file, readInput(file)), userspace_unmeasured: userspaceUnmeasured };
        print(
          (await callPart(command, 'attestd', 'POST', path, body)) as ImageSummary,
          view,
          globalsOf(command).output,
        );
      },
    );
  image
    .command('list')
    .description('list the trusted base images, on a Trust Authority host')
    .addHelpText('after', '\nExamples:\n  vouchsafe image list\n  vouchsafe image list -o name')
    .action(async (_options, command: Command) => {
      print((await callPart(command, 'attestd', 'GET', path)) as ImageSummary[], view, globalsOf(command).output);
    });
  image
    .command('delete <name>')
    .description('stop trusting a base image; tokens that were given for it live up to ten minutes')
    .addHelpText('after', '\nExamples:\n  vouchsafe image delete debian-12.10\n  vouchsafe image delete golden')
    .action(async (name: string, _options, command: Command) => {
      await callPart(command, 'attestd', 'DELETE', `${path}/${encodeURIComponent(name)}`);
      say(`image ${name} is not trusted any more`);
    });
}
