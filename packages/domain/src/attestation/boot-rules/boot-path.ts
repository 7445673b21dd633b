import { hex } from '@vouchsafe/bytes/hex';
import { isActive } from '@vouchsafe/eventlog/uefi/load-option';
import Type from 'typebox';
import { rule } from './rule.ts';
import { Digests, Globs, lintGlobs, matchesAny } from './values.ts';

/** What the firmware started. Device paths of PCR 4 are not measured, so programs are named by digest. */
export const bootLoaders = rule({
  help: 'Every program that the firmware started is one of these, by Authenticode SHA-256; empty: those of the image.',
  stops: 'a loader, shell or tool that was started before the one that counts',
  advice: 'remove the boot entry, or add the digest to the rule',
  needs: 'the applications of PCR 4',
  schema: Digests,
  default: [],
  check(allowed, { facts }) {
    if (facts.bootApplications.length === 0)
      return [{ detail: 'nothing is proven about what the firmware started', pcr: 4 }];
    return facts.bootApplications
      .filter(({ value }) => !allowed.includes(hex(value.digest)))
      .map(({ value, event }) => ({
        detail: `${hex(value.digest)} was started, which the rule does not name`,
        pcr: 4,
        event,
      }));
  },
});

/** The boot menu: what the firmware would start next time, or when the first entry fails. */
export const bootOptions = rule({
  help: 'Every active entry of the boot menu leads to a device path that matches one of these globs; empty: any.',
  stops: 'a host that falls back to the network or to a stick when its disk fails',
  advice: 'remove the entry with efibootmgr, or add its path to the rule',
  needs: 'the boot options of PCR 1',
  schema: Globs,
  default: [],
  check(patterns, { facts }) {
    if (facts.bootOptions.length === 0) return [{ detail: 'the firmware measured no boot option', pcr: 1 }];
    return facts.bootOptions
      .filter(({ value }) => isActive(value) && !matchesAny(patterns, value.path))
      .map(({ value, event }) => ({ detail: `boot option ${value.description}: ${value.path}`, pcr: 1, event }));
  },
  lint: lintGlobs,
});

/** What is ignored of PCR 4; see image-fit.ts. */
export const bootAttempts = rule({
  help: 'Boot attempts that started no program are ignored when PCR 4 is compared with an image.',
  stops: 'a refusal because the firmware tried an empty drive first',
  advice: 'vouchsafe rules set boot.attempts-ignored off',
  needs: 'the texts of PCR 4',
  schema: Type.Boolean(),
  default: true,
  check: () => [],
});
