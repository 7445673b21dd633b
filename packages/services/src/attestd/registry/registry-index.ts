import type { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import type { HostRegistry } from './host-registry.ts';
import type { PendingHost } from './pending-host.ts';

/** The registry as a change of many rows sees it: read once, with the rows that the change would write. */
export class RegistryIndex {
  readonly #registry: HostRegistry;
  readonly #byEk = new Map<string, HostRecord>();
  readonly #byName = new Map<string, Set<string>>();

  constructor(registry: HostRegistry) {
    this.#registry = registry;
    for (const row of registry.rows()) this.add(row);
  }

  add(row: HostRecord): void {
    this.#byEk.set(row.ek, row);
    const name = row.name.toLowerCase();
    this.#byName.set(name, (this.#byName.get(name) ?? new Set()).add(row.ek));
  }

  row = (ek: string): HostRecord | undefined => this.#byEk.get(ek);

  /** Rows under a name, whatever its case: host names do not differ by case (RFC 1035, 2.3.3). */
  named = (name: string): HostRecord[] =>
    [...(this.#byName.get(name.toLowerCase()) ?? [])].flatMap((ek) => this.row(ek) ?? []);

  pending = (ek: string): PendingHost | undefined => this.#registry.pendingOf(ek);

  publicKeyOf = (ek: string): string | undefined => this.#registry.publicKeyOf(ek);

  aksOf = (ek: string): readonly string[] => this.#registry.aksOf(ek);

  /** Rows of other EKs that are known to be of the same TPM. */
  sameTpmAs = (ek: string): HostRecord[] => this.#registry.eksBeside(ek).flatMap((other) => this.row(other) ?? []);
}
