import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import type { Command } from 'commander';
import { callPart } from '../../context.ts';
import { writeNew } from '../../files.ts';
import { progressLine, say } from '../../output.ts';

interface CaptureOptions {
  readonly file: string;
  readonly versionLabel: string;
  readonly agent?: boolean;
  readonly imaList?: readonly string[];
  /** False with --no-confirm. */
  readonly confirm?: boolean;
}

interface Captured {
  readonly image: BaseImage;
  readonly coverage: string;
  /** A capture statement. */
  readonly capture?: string;
  readonly service?: string;
  readonly unconfirmed?: string;
}

/** `vouchsafe image capture`: the golden host writes its boot down. */
export function addCapture(image: Command): void {
  image
    .command('capture <name>')
    .description('write the boot of this host as a base image, confirmed by an Attestation Service where one can')
    .requiredOption('--file <file>', 'where to write it; must not exist')
    .option('--version-label <text>', 'what it is, for people', '')
    .option('--agent', 'name the agent of this host, which IMA must measure on every host of the image')
    .option('--ima-list <name...>', 'IMA lists that hold for hosts of the image: with them IMA covers userspace')
    .option('--confirm', 'fail when no Attestation Service of the group confirms that the TPM has these values')
    .option('--no-confirm', 'ask no Attestation Service')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe image capture debian-12.11 --file debian-12.11.json --version-label "kernel 6.1.192" --confirm\n  vouchsafe image capture golden --file golden.json --agent --ima-list debian-12.11',
    )
    .action(async (name: string, options: CaptureOptions, command: Command) => {
      const { file, versionLabel, agent, imaList, confirm } = options;
      const body = {
        name,
        version: versionLabel,
        ...(agent !== undefined && { agent }),
        ...(imaList !== undefined && { ima_lists: imaList }),
        ...(confirm !== undefined && { confirm }),
      };
      const progress = progressLine();
      progress.show('reading the log and the TPM ...');
      const captured = (await callPart(command, 'kmxa', 'POST', '/trusted-infrastructure/image', body)) as Captured;
      progress.done('the log leads to the values of the TPM');
      const { image, capture, service, unconfirmed, coverage } = captured;
      const content = capture === undefined ? image : { v: 2, image, capture };
      writeNew(file, `${JSON.stringify(content, undefined, 2)}\n`);
      say(`${file}: ${coverage}`);
      say(capture === undefined ? `it is not confirmed: ${unconfirmed}` : `confirmed by ${service}`);
    });
}
