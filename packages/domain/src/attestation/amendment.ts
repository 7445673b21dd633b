import { Problem } from '../problem.ts';
import type { BaseImage } from './base-image.ts';
import type { BootRules } from './boot-rules.ts';
import { captureImage } from './capture.ts';
import { imageBreaches } from './image-rules.ts';

/** What a refused host booted, as its quote vouched for it. */
export interface RefusedBoot {
  readonly eventLog: Uint8Array;
  /** Quoted values, by PCR. */
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
  readonly commandLine?: string | undefined;
}

export interface AmendmentInput {
  readonly boot: RefusedBoot;
  /** The image that is nearest: IMA lists and agent are taken from it. */
  readonly nearest: BaseImage;
  readonly rules: BootRules;
  readonly host: string;
  readonly now: Date;
}

const maxName = 128;

/**
 * A base image of what a refused host booted, for an administrator to approve: made from evidence that a TPM of the
 * registry signed, named after the image that it departs from. It trusts nothing before it is imported and activated.
 * @throws {Problem} `image.untrusted` when the boot breaks a rule, so that the image could never be activated
 */
export function amendmentOf({ boot, nearest, rules, host, now }: AmendmentInput): BaseImage {
  const suffix = `-amended-${now.toISOString().slice(0, 10)}`;
  const { agent, ima } = nearest;
  const image = captureImage({
    name: `${nearest.name.replace(/-amended-\d{4}-\d{2}-\d{2}$/, '').slice(0, maxName - suffix.length)}${suffix}`,
    version: `as ${host} booted it`.slice(0, maxName),
    eventLog: boot.eventLog,
    pcrs: boot.pcrs,
    now,
    ...(boot.commandLine !== undefined && { commandLine: boot.commandLine }),
    ...(agent !== undefined && { agent }),
    ...(ima !== undefined && { imaLists: ima.lists }),
  });
  const [first, ...more] = imageBreaches(image, rules);
  if (first === undefined) return image;
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
  throw new Problem('image.untrusted', `what ${host} booted breaks ${first.check}: ${first.detail}${others}`);
}
