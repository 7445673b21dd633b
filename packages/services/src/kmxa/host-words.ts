import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { HostWords } from '@vouchsafe/domain/attestation/capture';
import { versionPattern } from '@vouchsafe/domain/version';
import { ownProgram } from './own-program.ts';

/**
 * What this host says of itself for a base image, beside its log.
 * @param options.agent whether to name the agent's own program, which IMA must measure on every host of the image
 * @param options.imaLog path of the IMA log, which says under which path the program was measured
 * @throws {Problem} `host.unsupported` when the agent is asked for and is no single file
 */
export function hostWords({ agent, imaLog }: { readonly agent: boolean; readonly imaLog: string }): HostWords {
  const [kernel, commandLine] = [release(), commandLineOf()];
  return {
    ...(commandLine !== undefined && { commandLine }),
    ...(new RegExp(versionPattern).test(kernel) && { kernel }),
    ...(agent && { agent: ownProgram(imaLog) }),
  };
}

function commandLineOf(): string | undefined {
  try {
    return readFileSync('/proc/cmdline', 'utf8').replace(/\n$/, '');
  } catch {
    return undefined;
  }
}
