import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import { type KeySafe, readKeySafe } from '@vouchsafe/domain/keys/key-safe';
import { passphraseOf } from '@vouchsafe/domain/keys/passphrase';
import type { KeyProvider } from '@vouchsafe/domain/keys/provider';
import { type EventSink, lockedBy } from '@vouchsafe/domain/keys/provider-events';
import type { KeyReference } from '@vouchsafe/domain/keys/reference';
import { kindOf, Problem } from '@vouchsafe/domain/problem';
import type { DomainDescription } from '@vouchsafe/domain/profile/description';
import { diffProfiles } from '@vouchsafe/domain/profile/diff';
import { parseProfile, profileText } from '@vouchsafe/domain/profile/profile';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import { defineEphemeralPrivate, setSecretValue, undefineSecret } from '../libvirt/secrets.ts';
import { checkDisks } from './disk-check.ts';
import { describedDomain, type ReadDomain, readDomain } from './domain-xml.ts';
import type { LibvirtLink } from './libvirt-link.ts';
import { type BoundSafe, openKeks, openParts, safeOf } from './opened-safe.ts';
import { namesOne, Starting } from './starting.ts';
import type { VmLocks } from './vm-lock.ts';

/** Milliseconds that libvirt may hold a secret when nothing says that the start went through or failed. */
const secretLifetime = 60_000;

/** Collection of the store: the secrets that libvirt may hold, by VM. */
const loaded = 'secrets-with-libvirt';

export interface VmKeysInput {
  readonly libvirt: LibvirtLink;
  readonly locks: VmLocks;
  readonly store: ConfigStore;
  readonly audit: (entry: AuditEntry) => void;
  /** Refuses when this host would leave keys where they do not belong. @throws {Problem} */
  readonly guard: () => Promise<void>;
  readonly providerOf: (reference: KeyReference) => KeyProvider;
  readonly tell: EventSink;
  /** Name of this host, for what is told. */
  readonly host: string;
}

interface Seen {
  readonly gen: number;
  /** Text of the profile that the safe of that generation is bound to. */
  readonly profile: string;
}

/** Gives the keys of a VM to libvirt for its start, and takes them back. */
export class VmKeys {
  readonly #input: VmKeysInput;
  readonly #starting = new Starting();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  /** VMs that were told to be locked, by UUID. */
  readonly #locked = new Set<string>();

  constructor(input: VmKeysInput) {
    this.#input = input;
  }

  /** Before a VM starts, here or as the destination of a migration. @throws {Problem} when it may not start here */
  async load(xml: string): Promise<void> {
    const domain = describedDomain(xml);
    const { uuid, name } = domain;
    this.#refuseBorrowed(domain, xml);
    this.#starting.enter(uuid, { name, xml });
    if (domain.keysafe === undefined) return;
    const read = await readDomain(xml);
    try {
      await this.#input.locks.alone(uuid, 'a start', () => this.#load(read));
    } catch (error) {
      const problem = kindOf(error);
      this.#record('vm.refuse', read, { problem, reason: (error as Error).message, name });
      this.#tellLocked(read, error);
      throw error;
    }
  }

  /** After the start, or when it came to nothing. */
  async drop(uuid: string): Promise<void> {
    this.#starting.leave(uuid);
    const secrets = this.#input.store.getState(loaded, uuid) as string[] | undefined;
    if (secrets === undefined) return;
    clearTimeout(this.#timers.get(uuid));
    this.#timers.delete(uuid);
    await this.#input.libvirt.use(async (connection) => {
      for (const secret of secrets) await undefineSecret(connection, secret);
    });
    this.#input.store.deleteState(loaded, uuid);
    this.#input.audit({
      action: 'vm.keys-dropped',
      actor: { kind: 'part', id: 'libvirt-hook' },
      target: { kind: 'vm', id: uuid },
      outcome: 'success',
      detail: { secrets: secrets.length },
    });
  }

  /** Drops whatever is still with libvirt, also what an agent left there that was killed. */
  async dropAll(): Promise<void> {
    const left = this.#input.store.listState(loaded);
    await Promise.allSettled(left.map(({ name }) => this.drop(name)));
  }

  /** What was last seen of a VM, for rollback and for telling changes. */
  seen(uuid: string): Seen | undefined {
    return this.#input.store.getState('vms', uuid) as Seen | undefined;
  }

  remember({ domain, profile, gen }: ReadDomain & { readonly gen: number }): void {
    this.#input.store.putState('vms', domain.uuid, { gen, profile: profileText(profile) });
  }

  /** How a domain differs from the sealed one, in words; nothing when this host has not seen that one. */
  changesOf({ domain, profile }: ReadDomain): string[] {
    const seen = this.seen(domain.uuid);
    return seen === undefined ? [] : diffProfiles(parseProfile(seen.profile), profile);
  }

  async #load(read: ReadDomain): Promise<void> {
    await this.#input.guard();
    const bound = safeOf(read, this.seen(read.domain.uuid)?.gen);
    this.#checkProfile(read, bound);
    checkDisks(read.domain, bound.safe);
    const keks = await openKeks(bound, 'run', this.#input.providerOf);
    const deks = await openParts(bound.safe, keks);
    this.#tellUnlocked(read, bound);
    try {
      const secrets = bound.safe.parts.map(({ luks }) => luks);
      this.#refuseWhileOthersStart(read.domain, secrets);
      this.#record('vm.keys-loaded', read, { gen: bound.safe.gen, parts: bound.safe.parts.map(({ id }) => id) });
      this.#expect(read.domain.uuid, secrets);
      await this.#define(bound.safe, deks);
      this.remember({ ...read, gen: bound.safe.gen });
    } catch (error) {
      await this.drop(read.domain.uuid).catch(() => undefined);
      throw error;
    } finally {
      for (const dek of deks.values()) dek[Symbol.dispose]();
    }
  }

  /** While the secrets of a VM are with libvirt, a domain that names one would get it: its own disks are beside the point. */
  #refuseBorrowed(domain: DomainDescription, xml: string): void {
    for (const { name: owner, body } of this.#input.store.listState(loaded)) {
      const secret = owner === domain.uuid ? undefined : namesOne(xml, body as string[]);
      if (secret === undefined) continue;
      const reason = `domain ${domain.name} names secret ${secret}, which is there for the start of VM ${owner}`;
      this.#record('vm.refuse', { domain }, { problem: 'keysafe.other-domain', reason });
      throw new Problem('keysafe.other-domain', reason);
    }
  }

  /** The same the other way round: libvirt looks up secrets some time after the hook let a domain pass. */
  #refuseWhileOthersStart({ name, uuid }: DomainDescription, secrets: readonly string[]): void {
    const other = this.#starting.otherNaming(uuid, secrets);
    if (other !== undefined)
      throw new Problem('server.busy', `domain ${name}: domain ${other} is being started and names a secret of it`);
  }

  /** A copied key safe in a domain built differently opens nothing: what would run is not what was sealed. */
  #checkProfile(read: ReadDomain, { safe }: BoundSafe): void {
    if (safe.bound.h === read.hash) return;
    const changes = this.changesOf(read);
    const what = changes.join('; ') || 'this host has not seen the sealed one, so it cannot say what changed';
    throw new Problem('keysafe.profile-changed', `domain ${read.domain.name}: ${what}`, { data: { changes } });
  }

  async #define(safe: KeySafe, deks: Awaited<ReturnType<typeof openParts>>): Promise<void> {
    await this.#input.libvirt.use(async (connection) => {
      for (const part of safe.parts) {
        const dek = deks.get(part.id);
        if (dek === undefined) continue;
        using passphrase = passphraseOf(dek, part.luks, part.kind === 'vtpm' ? 'vtpm' : 'luks');
        await setSecretValue(connection, await defineEphemeralPrivate(connection, part.luks), passphrase);
      }
    });
  }

  /** A VM whose key cannot be had is locked, as vSphere calls it; what else refuses a start is told in its record alone. */
  #tellLocked({ domain }: ReadDomain, error: unknown): void {
    const [kek] = keksOf(domain.keysafe);
    const id = kek === undefined ? undefined : lockedBy(kek.kind, kindOf(error));
    if (kek === undefined || id === undefined) return;
    const { tell, host } = this.#input;
    this.#locked.add(domain.uuid);
    tell({ id, provider: kek.prv, vm: domain.name, host, detail: (error as Error).message });
  }

  #tellUnlocked({ domain }: ReadDomain, { safe }: BoundSafe): void {
    if (!this.#locked.delete(domain.uuid)) return;
    this.#input.tell({ id: 'vm.unlocked', provider: safe.keks[0]!.prv, vm: domain.name, host: this.#input.host });
  }

  #expect(uuid: string, secrets: string[]): void {
    // Durable before libvirt holds the first secret, so that no crash leaves one there for good.
    this.#input.store.putState(loaded, uuid, secrets);
    clearTimeout(this.#timers.get(uuid));
    const timer = setTimeout(() => void this.drop(uuid).catch(() => undefined), secretLifetime).unref();
    this.#timers.set(uuid, timer);
  }

  #record(
    action: 'vm.keys-loaded' | 'vm.refuse',
    { domain }: Pick<ReadDomain, 'domain'>,
    detail: Record<string, unknown>,
  ): void {
    const refused = action === 'vm.refuse';
    this.#input.audit({
      action,
      actor: { kind: 'part', id: 'libvirt-hook' },
      target: { kind: 'vm', id: domain.uuid },
      outcome: refused ? 'failure' : 'success',
      ...(refused ? { problem: String(detail.problem) } : {}),
      detail: { name: domain.name, ...detail },
    });
  }
}

/** The KEKs that a key safe names, of one that can be read. */
function keksOf(keysafe: string | undefined): KeySafe['keks'] {
  try {
    return keysafe === undefined ? [] : readKeySafe(keysafe).keks;
  } catch {
    return [];
  }
}
