import { release } from 'node:os';
import type { HostWords } from '@vouchsafe/domain/attestation/capture';
import { versionPattern } from '@vouchsafe/domain/version';
import { readCommandLine } from './evidence.ts';
import { ownProgram } from './own-program.ts';

interface HostWordsInput {
  readonly agent: boolean;
  readonly commandLine: string;
  readonly imaLog: string;
}

/**
 * What this host says of itself for a base image, beside its log.
 * @param options.agent whether to name the agent's own program, which IMA must measure on every host of the image
 * @param options.commandLine path of what the kernel was started with
 * @param options.imaLog path of the IMA log, which says under which path the program was measured
 * @throws {Problem} `host.unsupported` when the agent is asked for and is no single file
 */
export function hostWords({ agent, commandLine: path, imaLog }: HostWordsInput): HostWords {
  const [kernel, commandLine] = [release(), readCommandLine(path)];
  return {
    ...(commandLine !== undefined && { commandLine }),
    ...(new RegExp(versionPattern).test(kernel) && { kernel }),
    ...(agent && { agent: ownProgram(imaLog) }),
  };
}
