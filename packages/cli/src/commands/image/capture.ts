import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import type { Command } from 'commander';
import { callPart } from '../../context.ts';
import { writeNew } from '../../files.ts';
import { say } from '../../output.ts';

interface CaptureOptions {
  readonly file: string;
  readonly versionLabel: string;
  readonly agent?: boolean;
  readonly imaList?: readonly string[];
}

/** `vouchsafe image capture`: the golden host writes its boot down. */
export function addCapture(image: Command): void {
  image
    .command('capture <name>')
    .description('write the boot of this host as a base image')
    .requiredOption('--file <file>', 'where to write it; must not exist')
    .option('--version-label <text>', 'what it is, for people', '')
    .option('--agent', 'name the agent of this host, which IMA must measure on every host of the image')
    .option('--ima-list <name...>', 'IMA lists that hold for hosts of the image: with them IMA covers userspace')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe image capture debian-12.11 --file debian-12.11.json --version-label "kernel 6.1.192"\n  vouchsafe image capture golden --file golden.json --agent --ima-list debian-12.11',
    )
    .action(async (name: string, options: CaptureOptions, command: Command) => {
      const { file, versionLabel, agent = false, imaList } = options;
      const body = { name, version: versionLabel, agent, ...(imaList && { ima_lists: imaList }) };
      const { image, coverage } = (await callPart(command, 'kmxa', 'POST', '/trusted-infrastructure/image', body)) as {
        image: BaseImage;
        coverage: string;
      };
      writeNew(file, `${JSON.stringify(image, undefined, 2)}\n`);
      say(`${file}: ${coverage}`);
    });
}
