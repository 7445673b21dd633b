import { checkHostName, checkScope } from '@vouchsafe/domain/attestation/host-name';
import type { HostRecord, TpmKind } from '@vouchsafe/domain/attestation/host-record';
import { Problem } from '@vouchsafe/domain/problem';
import type { RegistryIndex } from './registry-index.ts';

/** An endorsement key that somebody approves. */
export interface Wish {
  readonly ek: string;
  readonly name?: string | undefined;
  readonly scope?: string | undefined;
  readonly public_key?: string | undefined;
  /** What its certificate tells, when one was given. */
  readonly tpm?: TpmKind | undefined;
  readonly manufacturer?: string | undefined;
  readonly model?: string | undefined;
  /** The administrator's word that it is of the same TPM as the host of that name has already. */
  readonly link?: boolean | undefined;
}

/** Who acts, and when: ISO 8601. */
export interface Act {
  readonly by: string;
  readonly since: string;
}

/**
 * The row that approves an endorsement key. A key of a TPM that is approved already becomes a row of the same host; any
 * other second key under a name is refused, since whoever gets it approved would be that host.
 * @throws {Problem} `input.invalid` naming the field, `object.exists` when the key or the name is taken
 */
export function approvalOf(index: RegistryIndex, wish: Wish, act: Act): HostRecord {
  const { ek } = wish;
  const existing = index.row(ek);
  refuseRevoked(existing);
  const same = index.sameTpmAs(ek);
  refuseRevokedTpm(same);
  const linked = same.find(({ state }) => state === 'approved');
  const name = nameOf(wish, existing, linked);
  const siblings = siblingsOf(index, name, wish, same);
  const pending = index.pending(ek);
  const aks = index.aksOf(ek);
  return {
    ...existing,
    ek,
    name,
    scope: scopeOf(wish, existing, siblings),
    state: 'approved',
    tpm: pending?.tpm ?? wish.tpm ?? existing?.tpm ?? 'listed',
    enrolled: 'approved',
    by: act.by,
    since: act.since,
    ...defined({
      public_key: wish.public_key ?? index.publicKeyOf(ek),
      aks: aks.length === 0 ? undefined : [...aks],
      manufacturer: pending?.manufacturer ?? wish.manufacturer ?? existing?.manufacturer,
      model: pending?.model ?? wish.model ?? existing?.model,
    }),
  };
}

/** Whether a row says what it said before, apart from when and by whom. */
export function isUnchanged(before: HostRecord | undefined, after: HostRecord): boolean {
  return (
    before !== undefined &&
    JSON.stringify({ ...before, since: '', by: '' }) === JSON.stringify({ ...after, since: '', by: '' })
  );
}

/** An object without its undefined members. */
export const defined = <T extends object>(of: T) =>
  Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

/** What was revoked comes back only by two deliberate acts. */
export function refuseRevoked(host: HostRecord | undefined): void {
  if (host?.state !== 'revoked') return;
  throw new Problem(
    'object.exists',
    `endorsement key ${host.ek} of host ${host.name} was revoked; delete it before it is approved again`,
  );
}

/** An approval would be in vain: every attestation of this TPM is refused while the other row stands. */
export function refuseRevokedTpm(same: readonly HostRecord[]): void {
  const revoked = same.find(({ state }) => state === 'revoked');
  if (revoked === undefined) return;
  throw new Problem(
    'object.exists',
    `this TPM was revoked as host ${revoked.name}, by its endorsement key ${revoked.ek}; delete that key before the TPM is approved again`,
  );
}

function nameOf({ ek, name }: Wish, existing: HostRecord | undefined, linked: HostRecord | undefined): string {
  const known = existing?.name ?? linked?.name;
  if (name === undefined && known === undefined)
    throw new Problem('input.invalid', 'name: expected the name of the host, since this TPM is of none that is known');
  const wanted = name ?? known!;
  if (wanted !== known) checkHostName(wanted);
  if (existing !== undefined && existing.name !== wanted) {
    throw new Problem(
      'object.exists',
      `endorsement key ${ek} is host ${existing.name}; \`vouchsafe host rename ${existing.name} ${wanted}\` gives it another name`,
    );
  }
  if (existing === undefined && linked !== undefined && linked.name !== wanted) {
    throw new Problem(
      'object.exists',
      `this TPM is host ${linked.name} already, by its endorsement key ${linked.ek}: a TPM is one host; approve this key as ${linked.name} too`,
    );
  }
  return wanted;
}

/** Approved rows of the same host. */
function siblingsOf(
  index: RegistryIndex,
  name: string,
  { ek, link = false }: Wish,
  same: readonly HostRecord[],
): HostRecord[] {
  const others = index.named(name).filter((row) => row.ek !== ek);
  const alike = others.find((row) => row.name !== name);
  if (alike !== undefined) throw new Problem('object.exists', `name: host ${alike.name} differs from it in case only`);
  const [first] = others;
  if (first === undefined) return [];
  const approved = others.filter(({ state }) => state === 'approved');
  const proven = approved.some((row) => same.some((other) => other.ek === row.ek));
  if (proven || (link && approved.length > 0) || index.row(ek)?.name === name) return approved;
  throw new Problem(
    'object.exists',
    approved.length === 0
      ? `host ${name} had the endorsement key ${first.ek}, which was revoked; \`vouchsafe host replace-tpm ${name} --ek ${ek}\` when it has a new TPM`
      : `host ${name} has the endorsement key ${approved[0]!.ek}, and nothing shows that ${ek} is of the same TPM; \`vouchsafe host replace-tpm\` when it has a new one, \`--link\` when you know that both are of one`,
  );
}

function scopeOf({ scope }: Wish, existing: HostRecord | undefined, siblings: readonly HostRecord[]): string {
  const [sibling] = siblings;
  if (scope !== undefined) checkScope(scope);
  if (sibling !== undefined && scope !== undefined && scope !== sibling.scope) {
    throw new Problem(
      'input.invalid',
      `scope: host ${sibling.name} is in scope ${sibling.scope}; \`vouchsafe host move ${sibling.name} --scope ${scope}\` moves all of it`,
    );
  }
  return sibling?.scope ?? scope ?? existing?.scope ?? 'default';
}
