import { hex } from '@vouchsafe/bytes/hex';
import { quirks } from '@vouchsafe/eventlog/quirks';
import Type from 'typebox';
import { rule, unproven } from './rule.ts';
import { Digests, Globs, lintGlobs, matchesAny } from './values.ts';

/** Measurements that the operating system could not have replayed. */
export const firmwareLocality = rule({
  help: 'The TPM was started from locality 3 or by hardware (H-CRTM), so that PCR 0 cannot be made up after a reset of the TPM alone.',
  stops: 'a TPM that is reset while the system runs, and a golden log that is then replayed into it',
  advice: 'most firmware starts the TPM from locality 0; switch the rule on only where all hosts do otherwise',
  needs: 'the start of PCR 0',
  schema: Type.Boolean(),
  default: false,
  check(_on, { facts: { startup } }) {
    if (startup === undefined) return [unproven('the start of the TPM', 0)];
    return startup.locality >= 3 ? [] : [{ detail: `the TPM was started from locality ${startup.locality}`, pcr: 0 }];
  },
});

/** The version that the firmware measures of itself. */
export const firmwareVersions = rule({
  help: 'A version that the firmware measured of itself matches one of these globs; empty: the one of the image.',
  stops: 'a host with firmware that you took out of use',
  advice: 'update the firmware, or add its version to the rule',
  needs: 'a text before the separator of PCR 0 (EV_S_CRTM_VERSION)',
  schema: Globs,
  default: [],
  check(patterns, { facts: { firmwareVersions: versions } }) {
    if (versions.length === 0) return [unproven('the version of the firmware', 0)];
    if (versions.some(({ value }) => matchesAny(patterns, value))) return [];
    return [{ detail: `the firmware is ${versions.map(({ value }) => value).join(', ')}`, pcr: 0 }];
  },
  lint: lintGlobs,
});

/** Option ROMs and drivers that the firmware started. */
export const firmwareDrivers = rule({
  help: 'Every driver or option ROM that the firmware started is one of these, by Authenticode SHA-256; empty: those of the image.',
  stops: 'a card that brings code of its own into the boot',
  advice: 'remove the card, or add the digest to the rule',
  needs: 'the drivers of PCR 2',
  schema: Digests,
  default: [],
  check: (allowed, { facts }) =>
    facts.separators.has(2)
      ? facts.bootDrivers
          .filter(({ value }) => !allowed.includes(hex(value.digest)))
          .map(({ value, event }) => ({ detail: `driver ${hex(value.digest)}`, pcr: 2, event }))
      : [unproven('the end of the drivers', 2)],
});

/** Texts of PCR 7 by which firmware says that it is open (Firmware Profile 1.06, 3.3.4.8). */
const openTexts = ['UEFI Debug Mode', 'DMA Protection Disabled'];

/** Firmware that says itself that it protects nothing. */
export const firmwareDebug = rule({
  help: 'The firmware is not in debug mode, and its protection against DMA is not disabled, as far as it says so.',
  stops: 'a machine that can be taken over through a debugger or a card',
  advice: 'switch debug mode off, or DMA protection on, in the firmware of the host',
  needs: 'the texts of PCR 7; firmware that says nothing passes',
  schema: Type.Boolean(),
  default: true,
  check: (_on, { facts }) =>
    facts.actions
      .filter(({ value }) => openTexts.includes(value))
      .map(({ value, event }) => ({ detail: `the firmware says: ${value}`, pcr: 7, event })),
});

/** Where the part of the firmware ends. */
export const firmwareExit = rule({
  help: 'The firmware says that it handed over to the kernel (ExitBootServices) with success.',
  stops: 'a boot whose end was not measured',
  advice: 'many machines log nothing about it; switch the rule on only where all hosts do',
  needs: 'the texts of PCR 5',
  schema: Type.Boolean(),
  default: false,
  check(_on, { facts: { exitBootServices: exit } }) {
    if (exit === undefined) return [unproven('ExitBootServices', 5)];
    return exit.value === 'succeeded' ? [] : [{ detail: `ExitBootServices: ${exit.value}`, pcr: 5, event: exit.event }];
  },
});

const names = Object.keys(quirks);

/** Peculiarities of a log that are taken as they are; the check eventlog.facts asks for it. */
export const eventLogQuirks = rule({
  help: 'Known peculiarities of logs that are accepted, by name; all others refuse the host.',
  stops: 'a log that departs from the standard in a way that you do not expect of your machines',
  advice: 'update the firmware, or add the peculiarity to the rule: vouchsafe rules set eventlog.quirks ...',
  needs: 'the event log',
  schema: Type.Array(Type.String({ pattern: '^[a-z0-9-]{1,64}$' }), { maxItems: 64 }),
  default: names.filter((name) => name !== 'data-mismatch'),
  check: () => [],
  lint(accepted) {
    const unknown = accepted.find((name) => !names.includes(name));
    return unknown === undefined ? undefined : `there is no peculiarity ${unknown}, there are ${names.join(', ')}`;
  },
});
