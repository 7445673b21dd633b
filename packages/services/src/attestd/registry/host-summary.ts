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
  readonly endorsement_keys: readonly HostRecord[];
}

/** @param lastAttested seconds since 1970 by EK, undefined where nobody knows */
export function summariesOf(
  rows: readonly HostRecord[],
  lastAttested: (ek: string) => number | undefined,
): HostSummary[] {
  const hosts = Map.groupBy(rows, ({ name }) => name);
  return [...hosts]
    .map(([name, of]) => summaryOf(name, of, lastAttested))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

export function summaryOf(
  name: string,
  rows: readonly HostRecord[],
  lastAttested: (ek: string) => number | undefined,
): HostSummary {
  const main = rows.find(({ state }) => state === 'approved') ?? rows[0]!;
  const { scope, state, tpm, enrolled } = main;
  const last = Math.max(...rows.map(({ ek }) => lastAttested(ek) ?? 0));
  return {
    name,
    scope,
    state,
    tpm,
    enrolled,
    ...(last > 0 && { last_attested: new Date(last * 1000).toISOString() }),
    endorsement_keys: rows.toSorted((a, b) => (a.state < b.state ? -1 : 1)),
  };
}
