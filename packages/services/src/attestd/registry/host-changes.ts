import { checkHostName, checkScope } from '@vouchsafe/domain/attestation/host-name';
import type { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import { Problem } from '@vouchsafe/domain/problem';
import { type Act, defined, refuseRevoked, refuseRevokedTpm, type Wish } from './approval.ts';
import type { RegistryIndex } from './registry-index.ts';

/** The rows of a host. @throws {Problem} `object.unknown` */
export function rowsOf(index: RegistryIndex, name: string): HostRecord[] {
  const rows = index.named(name).filter((row) => row.name === name);
  if (rows.length === 0) throw new Problem('object.unknown', `host ${name}`);
  return rows;
}

/**
 * Rows that revoke a host: all its endorsement keys, each with the AKs by which its TPM is known. What is revoked
 * already is among them, so that the word reaches every member again.
 */
export function revocationOf(index: RegistryIndex, name: string, act: Act, reason?: string): HostRecord[] {
  return rowsOf(index, name).map((row) => (row.state === 'revoked' ? row : revoked(index, row, act, reason)));
}

function revoked(index: RegistryIndex, row: HostRecord, { by, since }: Act, reason?: string): HostRecord {
  const aks = index.aksOf(row.ek);
  const why = reason === undefined ? {} : { reason };
  return { ...row, state: 'revoked', since, by, ...why, ...(aks.length === 0 ? {} : { aks: [...aks] }) };
}

/**
 * Rows that put a new TPM into the place of a host's old one: name and scope stay, the old endorsement keys are revoked.
 * @throws {Problem} `object.unknown`, `object.exists` when the new key is taken, was revoked, or is of the same TPM
 */
export function replacementOf(index: RegistryIndex, name: string, wish: Wish, act: Act): HostRecord[] {
  const rows = rowsOf(index, name);
  const taken = index.row(wish.ek);
  refuseRevoked(taken);
  if (taken !== undefined)
    throw new Problem('object.exists', `endorsement key ${wish.ek} is host ${taken.name} already`);
  const same = index.sameTpmAs(wish.ek);
  refuseRevokedTpm(same);
  const [other] = same;
  if (other !== undefined) {
    const what =
      other.name === name
        ? `of the TPM that host ${name} has already; approve it instead`
        : `of the TPM of host ${other.name}`;
    throw new Problem('object.exists', `endorsement key ${wish.ek} is ${what}`);
  }
  const latest =
    rows.find(({ state }) => state === 'approved') ?? rows.toSorted((a, b) => (a.since < b.since ? 1 : -1))[0]!;
  const pending = index.pending(wish.ek);
  const old = rows
    .filter(({ state }) => state === 'approved')
    .map((row) => revoked(index, row, act, 'its TPM was replaced'));
  const aks = index.aksOf(wish.ek);
  const next: HostRecord = {
    ek: wish.ek,
    name,
    scope: latest.scope,
    state: 'approved',
    tpm: pending?.tpm ?? wish.tpm ?? 'listed',
    enrolled: 'approved',
    ...act,
    ...defined({
      public_key: wish.public_key ?? index.publicKeyOf(wish.ek),
      aks: aks.length === 0 ? undefined : [...aks],
      manufacturer: pending?.manufacturer ?? wish.manufacturer,
      model: pending?.model ?? wish.model,
    }),
  };
  return [...old, next];
}

/** Rows of a host under another name or in another scope. @throws {Problem} `object.exists`, `input.invalid` */
export function amendmentOf(
  index: RegistryIndex,
  name: string,
  { name: next = name, scope }: { readonly name?: string; readonly scope?: string },
): HostRecord[] {
  const rows = rowsOf(index, name);
  if (next !== name) checkHostName(next);
  if (scope !== undefined) checkScope(scope);
  const other = index.named(next).find((row) => row.name !== name);
  if (other !== undefined) throw new Problem('object.exists', `host ${other.name}`);
  return rows.map((row) => ({ ...row, name: next, scope: scope ?? row.scope }));
}
