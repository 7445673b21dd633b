import type { Challenge } from '@vouchsafe/domain/attestation/challenge';
import { ekHash } from '@vouchsafe/domain/attestation/ek';
import { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import type { KnownKeys } from '@vouchsafe/domain/attestation/known-keys';
import { validator } from '@vouchsafe/domain/parse';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import { KnownAks } from './known-aks.ts';
import type { PendingHost, ShownPending } from './pending-host.ts';

/** Collection of the registry's rows; the vendor contract calls them endorsement keys. */
export const hostRows = 'tpm2/endorsement-keys';

/** More pending TPMs than this are not kept: only genuine TPMs get here, so it is no place for a flood. */
export const maxPending = 10_000;

export const readHost = validator('stored endorsement key', HostRecord);

/** What the registry asks of the configuration that it is a part of. */
export interface RegistrySeams {
  /** Makes a change that takes trust away: the epoch counts up with it. */
  lessTrust(change: () => void): void;
  /** Told of each subject that is trusted no more, or not as before, inside the change. */
  onRevoked(sub: string): void;
  /** Told of each subject that is trusted, inside the change; an earlier denial of it is lifted. */
  onApproved(sub: string): void;
  /** Whether a member of the group has denied it. */
  isDenied(sub: string): boolean;
}

/** The hosts that are ours, by endorsement key, and the TPMs that would like to be. */
export class HostRegistry {
  readonly #store: ConfigStore;
  readonly #seams: RegistrySeams;
  readonly #aks: KnownAks;

  constructor(store: ConfigStore, seams: RegistrySeams) {
    this.#store = store;
    this.#seams = seams;
    this.#aks = new KnownAks(store);
  }

  row(ek: string): HostRecord | undefined {
    const stored = this.#store.get(hostRows, ek);
    return stored === undefined ? undefined : readHost(stored);
  }

  rows(): HostRecord[] {
    return this.#store.list(hostRows).map(({ body }) => readHost(body));
  }

  /** Rows as they are shown: with the keys that attestations proved since they were written. */
  shownRows(): HostRecord[] {
    return this.rows().map((row) => {
      const publicKey = row.public_key ?? this.#aks.publicKeyOf(row.ek);
      return publicKey === undefined ? row : { ...row, public_key: publicKey };
    });
  }

  /** Writes rows, all or none. A row that is revoked, or has another scope than before, takes trust away. */
  put(...rows: readonly HostRecord[]): void {
    const less = rows.filter((row) => row.state === 'revoked' || this.#moves(row));
    // One that moves is trusted, only not with the tokens of its old scope. One that is approved already is not approved
    // anew by another name: another member may have revoked it meanwhile.
    // A move lifts its own denial only: what another member revoked stays revoked until somebody approves it anew.
    const more = rows.filter(
      (row) => row.state === 'approved' && (!this.#isApproved(row) || (this.#moves(row) && !this.#isDenied(row))),
    );
    const change = () => {
      for (const row of rows) this.#write(row);
      for (const { ek } of less) this.#seams.onRevoked(`ek:${ek}`);
      for (const { ek } of more) this.#seams.onApproved(`ek:${ek}`);
    };
    if (less.length > 0) this.#seams.lessTrust(change);
    else this.#store.together(change);
  }

  /** @throws {Problem} `object.unknown` */
  delete(ek: string): void {
    this.#seams.lessTrust(() => {
      this.#store.delete(hostRows, ek);
      this.#seams.onRevoked(`ek:${ek}`);
    });
  }

  #isDenied({ ek }: HostRecord): boolean {
    return this.#seams.isDenied(`ek:${ek}`);
  }

  /** EKs that are approved, each with its scope. */
  approved(): Map<string, string> {
    return new Map(this.rows().flatMap(({ ek, state, scope }) => (state === 'approved' ? [[ek, scope]] : [])));
  }

  /** After the rows of another member were taken over: learns their AKs, and tells who lost what was approved `before`. */
  tookOver(before: ReadonlyMap<string, string>): void {
    for (const { ek, aks = [] } of this.rows()) for (const ak of aks) this.#aks.remember(ek, ak);
    const after = this.approved();
    for (const [ek, scope] of before) {
      if (after.get(ek) === scope) continue;
      const denied = this.#seams.isDenied(`ek:${ek}`);
      this.#seams.onRevoked(`ek:${ek}`);
      // Only what is denied here: a configuration that may be old brings nobody back.
      if (after.has(ek) && !denied) this.#seams.onApproved(`ek:${ek}`);
    }
  }

  /** AKs that were proven beside an EK. */
  aksOf(ek: string): readonly string[] {
    return this.#aks.aksOf(ek);
  }

  /** Other EKs that were proven beside one of the AKs of this one: keys of the same TPM. */
  eksBeside(ek: string): string[] {
    return this.#eksBeside(ek, this.#aks.aksOf(ek));
  }

  /** Their rows. */
  sameTpmAs(ek: string): HostRecord[] {
    return this.eksBeside(ek).flatMap((other) => this.row(other) ?? []);
  }

  /** What is known of the keys of a challenge. @param ak Name of its AK, in hexadecimal */
  knownKeys({ ek, ak: area }: Pick<Challenge, 'ek' | 'ak'>, ak: string): KnownKeys {
    const familiar = this.#aks.eksOf(ak).includes(ek);
    const sameTpm = this.#eksBeside(ek, [ak]).flatMap((other) => this.row(other) ?? []);
    return { sameTpm, akIsEkOf: familiar ? undefined : this.row(ekHash(area)) };
  }

  /** Remembers that an attestation proved this AK beside this EK. @param publicKey the EK, PEM */
  remember(ek: string, ak: string, publicKey: () => string): void {
    this.#aks.remember(ek, ak, publicKey);
  }

  /** An EK as far as it is known, PEM. */
  publicKeyOf(ek: string): string | undefined {
    return this.row(ek)?.public_key ?? this.pendingOf(ek)?.public_key ?? this.#aks.publicKeyOf(ek);
  }

  pending(): ShownPending[] {
    return this.#store.listState('pending').map(({ body }) => this.#shown(body as PendingHost));
  }

  pendingOf(ek: string): PendingHost | undefined {
    return this.#store.getState('pending', ek) as PendingHost | undefined;
  }

  /** Whether it is new in the list. One that waits already is kept up to date: what it boots may have changed. */
  addPending(host: PendingHost): boolean {
    const waiting = this.pendingOf(host.ek);
    if (waiting === undefined && this.pendingIsFull()) return false;
    if (waiting !== undefined && waiting.image === host.image && waiting.tpm === host.tpm) return false;
    this.#store.putState('pending', host.ek, { ...host, since: waiting?.since ?? host.since });
    if (host.ak !== undefined) this.#aks.remember(host.ek, host.ak);
    return waiting === undefined;
  }

  pendingIsFull(): boolean {
    return this.#store.countState('pending') >= maxPending;
  }

  /** Takes a TPM off the list; it comes back when it asks again. */
  dropPending(ek: string): void {
    this.#store.deleteState('pending', ek);
  }

  #shown(host: PendingHost): ShownPending {
    const same = this.sameTpmAs(host.ek);
    const row = same.find(({ state }) => state === 'revoked') ?? same[0];
    return row === undefined ? host : { ...host, same_tpm_as: { name: row.name, state: row.state, scope: row.scope } };
  }

  #eksBeside(ek: string, aks: readonly string[]): string[] {
    const others = new Set(aks.flatMap((ak) => this.#aks.eksOf(ak)));
    others.delete(ek);
    return [...others];
  }

  #isApproved({ ek }: HostRecord): boolean {
    return this.row(ek)?.state === 'approved';
  }

  #moves({ ek, scope }: HostRecord): boolean {
    const before = this.row(ek);
    return before?.state === 'approved' && before.scope !== scope;
  }

  #write(row: HostRecord): void {
    this.#store.put(hostRows, row.ek, row);
    this.#store.deleteState('pending', row.ek);
    for (const ak of row.aks ?? []) this.#aks.remember(row.ek, ak);
  }
}
