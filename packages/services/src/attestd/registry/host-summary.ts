import type { BootRecord } from '@vouchsafe/domain/attestation/boot-record';
import { firmwareWords } from '@vouchsafe/domain/attestation/firmware-version';
import type { HostRecord } from '@vouchsafe/domain/attestation/host-record';

/** A host of the registry: all rows of one name. */
export interface HostSummary {
  readonly name: string;
  readonly scope: string;
  /** Approved as long as one of its endorsement keys is. */
  readonly state: HostRecord['state'];
  readonly tpm: HostRecord['tpm'];
  readonly enrolled: HostRecord['enrolled'];
  /** ISO 8601: when its token was signed last, as far as this instance knows. */
  readonly last_attested?: string;
  /** Firmware of its TPM as its last quotes showed it. */
  readonly firmware?: string;
  readonly endorsement_keys: readonly HostRecord[];
}

/** What is known of the last quotes of an EK, the newest last. */
export type LastBoots = (ek: string) => readonly BootRecord[];

export function summariesOf(rows: readonly HostRecord[], lastBoots: LastBoots): HostSummary[] {
  const hosts = Map.groupBy(rows, ({ name }) => name);
  return [...hosts].map(([name, of]) => summaryOf(name, of, lastBoots)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

export function summaryOf(name: string, rows: readonly HostRecord[], lastBoots: LastBoots): HostSummary {
  const main = rows.find(({ state }) => state === 'approved') ?? rows[0]!;
  const { scope, state, tpm, enrolled } = main;
  const boots = rows.flatMap(({ ek }) => lastBoots(ek));
  const last = Math.max(0, ...boots.map(({ at = 0 }) => at));
  const shown = lastBoots(main.ek).findLast(({ plain, firmware }) => plain && firmware !== undefined)?.firmware;
  return {
    name,
    scope,
    state,
    tpm,
    enrolled,
    ...(last > 0 && { last_attested: new Date(last * 1000).toISOString() }),
    ...(shown !== undefined && { firmware: firmwareWords(BigInt(`0x${shown}`)) }),
    endorsement_keys: rows.toSorted((a, b) => (a.state < b.state ? -1 : 1)),
  };
}
