import type { Command } from 'commander';
import { callPart, globalsOf } from '../../context.ts';
import { print, say } from '../../output.ts';
import { type ImageSummary, images, origin, summaryView } from './summary.ts';

interface ImportOptions {
  readonly signature?: string;
  readonly activate?: boolean;
  readonly userspaceUnmeasured?: boolean;
  readonly notBefore?: string;
  readonly notAfter?: string;
}

/** `vouchsafe image import`. */
export function addImport(image: Command): void {
  image
    .command('import <file>')
    .description('stage a base image, on a Trust Authority host: hosts that have it are told, none passes yet')
    .option('--signature <file>', 'its signature; without the option the .jws file beside it, when there is one')
    .option('--activate', 'let hosts have it at once')
    .option('--userspace-unmeasured', 'accept that the image does not cover userspace')
    .option('--not-before <moment>', 'it counts from this moment on, ISO 8601 in UTC')
    .option('--not-after <moment>', 'it counts until this moment, ISO 8601 in UTC')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe image import debian-12.11.json\n  vouchsafe image import golden.json --activate --userspace-unmeasured --not-after 2027-01-31T00:00:00Z',
    )
    .action(async (file: string, options: ImportOptions, command: Command) => {
      const { readUpload } = await import('../../image-file.ts');
      const body = {
        ...readUpload(file, options.signature).body,
        userspace_unmeasured: options.userspaceUnmeasured ?? false,
        activate: options.activate ?? false,
        ...(options.notBefore !== undefined && { not_before: options.notBefore }),
        ...(options.notAfter !== undefined && { not_after: options.notAfter }),
      };
      const summary = (await callPart(command, 'attestd', 'POST', images, body)) as ImageSummary;
      print(summary, summaryView, globalsOf(command).output);
      for (const line of origin(summary)) say(line);
      if (summary.standing === 'staged') say(`it is staged: vouchsafe image activate ${summary.name}`);
    });
}
