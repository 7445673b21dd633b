import { type Fact, factText } from './fact.ts';
import type { SecurityProfile } from './profile.ts';

/** Kinds whose plain name would not tell an operator what it is. */
const names = new Map(
  Object.entries({
    cmdline: 'kernel command line',
    initrd: 'initial ramdisk',
    acpi: 'ACPI table',
    sysinfo: 'system information',
    tpm: 'vTPM',
    hostdev: 'device of the host',
    redirdev: 'redirected device',
    shmem: 'shared memory region',
    seclabel: 'security label',
    launchSecurity: 'memory encryption',
    commandline: 'hypervisor command line',
  }),
);

/**
 * What changed from the sealed profile to the present one, each line a sentence for an operator;
 * empty exactly when both have the same hash.
 */
export function diffProfiles(sealed: SecurityProfile, present: SecurityProfile): string[] {
  const removed = without(sealed, present);
  const added = without(present, sealed);
  const left = new Set(added);
  const pairs = removed.map((old) => {
    const now = [...left].find((each) => each.kind === old.kind && each.id === old.id);
    if (now !== undefined) left.delete(now);
    return [old, now] as const;
  });
  return [
    ...pairs.flatMap(([old, now]) => (now === undefined ? [`${described(old)} was removed`] : changes(old, now))),
    ...[...left].map((now) => `${described(now)} was added`),
  ];
}

function without(profile: SecurityProfile, other: SecurityProfile): Fact[] {
  const known = new Set(other.facts.map(factText));
  return profile.facts.filter((fact) => !known.has(factText(fact)));
}

function changes(old: Fact, now: Fact): string[] {
  const details = new Set([...Object.keys(old), ...Object.keys(now)]);
  return [...details]
    .filter((detail) => old[detail] !== now[detail])
    .map((detail) => `${named(old)}: ${detail} was ${shown(old[detail])}, is ${shown(now[detail])}`);
}

/** A disk is called by its device, for instance `cdrom hdc`. */
function named(fact: Fact): string {
  const noun = fact.kind === 'disk' ? String(fact.device) : (names.get(fact.kind) ?? fact.kind);
  return fact.id === '' ? noun : `${noun} ${fact.id}`;
}

function described(fact: Fact): string {
  const details = Object.entries(fact).filter(([key]) => key !== 'kind' && key !== 'id' && key !== 'device');
  const list = details.map(([key, value]) =>
    value === true ? key : value === false ? `not ${key}` : `${key} ${value}`,
  );
  return list.length === 0 ? named(fact) : `${named(fact)} (${list.join(', ')})`;
}

const shown = (value: string | boolean | undefined): string =>
  value === undefined ? 'unset' : typeof value === 'boolean' ? (value ? 'yes' : 'no') : JSON.stringify(value);
