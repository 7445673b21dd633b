import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import sea from 'node:sea';
import type { HostWords } from '@vouchsafe/domain/attestation/capture';
import { Problem } from '@vouchsafe/domain/problem';
import { versionPattern } from '@vouchsafe/domain/version';

/**
 * What this host says of itself for a base image, beside its log.
 * @param options.agent whether to name the agent's own program, which IMA must measure on every host of the image
 * @throws {Problem} `host.unsupported` when the agent is asked for and is no single file
 */
export function hostWords({ agent }: { readonly agent: boolean }): HostWords {
  const [kernel, commandLine] = [release(), commandLineOf()];
  return {
    ...(commandLine !== undefined && { commandLine }),
    ...(new RegExp(versionPattern).test(kernel) && { kernel }),
    ...(agent && { agent: ownProgram() }),
  };
}

function commandLineOf(): string | undefined {
  try {
    return readFileSync('/proc/cmdline', 'utf8').replace(/\n$/, '');
  } catch {
    return undefined;
  }
}

function ownProgram(): { path: string; sha256: string } {
  if (!sea.isSea()) {
    throw new Problem(
      'host.unsupported',
      'the agent runs from a folder of sources, which no single digest names; install the single executable',
    );
  }
  const path = process.execPath;
  return { path, sha256: createHash('sha256').update(readFileSync(path)).digest('hex') };
}
