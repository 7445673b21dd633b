import { X509Certificate } from 'node:crypto';
import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import { type Group, groupOf } from '@vouchsafe/domain/group/group';
import { idOfKeys } from '@vouchsafe/domain/group/join';
import { type MemberEntry, type MemberStatement, readMember, signMember } from '@vouchsafe/domain/group/member';
import { type KeptStatement, keyOfStatement, MemberList } from '@vouchsafe/domain/group/member-list';
import { jwkOf, newPair, thumbprint } from '@vouchsafe/domain/keys/jwk';
import { Problem } from '@vouchsafe/domain/problem';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import type { HostConfig } from '../config/host.ts';
import { HostAuthority } from './authority.ts';
import { GroupRegister } from './group-register.ts';
import { loadIdentity, type MemberIdentity, storeIdentity } from './member-identity.ts';

export const statementsIn = 'group-members';

export interface GroupHostInput {
  readonly config: HostConfig;
  readonly store: ConfigStore;
  readonly audit: (entry: AuditEntry) => void;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/** What this host is in its group: its CA, its identity, the members that it knows, and the state of the group. */
export class GroupHost {
  readonly config: HostConfig;
  readonly store: ConfigStore;
  readonly now: () => number;
  readonly audit: (entry: AuditEntry) => void;
  readonly register: GroupRegister;
  /** Is told of every change of the members' list, and when this host joined another group. */
  onMembers: () => void = () => undefined;
  #authority: HostAuthority;
  #identity: MemberIdentity;
  #list: MemberList;

  private constructor(input: GroupHostInput, authority: HostAuthority, identity: MemberIdentity) {
    this.config = input.config;
    this.store = input.store;
    this.now = input.now;
    this.audit = input.audit;
    this.register = new GroupRegister(input.store);
    this.#authority = authority;
    this.#identity = identity;
    this.#list = loadList(input.store);
    this.register.remove(this.#list.removedNames());
  }

  /** Opens it; at the first start the host founds a group of its own. */
  static async open(input: GroupHostInput, authority: HostAuthority): Promise<GroupHost> {
    const identity = loadIdentity(input.store) ?? (await found(input, authority));
    const host = new GroupHost(input, authority, identity);
    await host.#tellAddress();
    return host;
  }

  /** The address stands in the host's configuration; the others learn when it has changed. */
  async #tellAddress(): Promise<void> {
    const [me, url] = [this.#list.find(this.#identity.id), urlOf(this.config)];
    if (me === undefined || me.url === url) return;
    this.keep(await this.say({ ...me, url, by: me.id, gen: me.gen + 1 }));
  }

  get authority(): HostAuthority {
    return this.#authority;
  }

  get identity(): MemberIdentity {
    return this.#identity;
  }

  get list(): MemberList {
    return this.#list;
  }

  get group(): Group {
    return groupOf(this.#authority.caPem);
  }

  /** The other members. */
  others(): MemberEntry[] {
    return this.#list.members().filter(({ id }) => id !== this.#identity.id);
  }

  /** Whether this host was removed from its group. */
  get removed(): boolean {
    return this.#list.tombstones().some(({ id }) => id === this.#identity.id);
  }

  /** @throws {Problem} `object.unknown` */
  member(name: string): MemberEntry {
    const found = this.#list.members().find((member) => member.name === name || member.id === name);
    if (found === undefined) throw new Problem('object.unknown', `member ${name}`);
    return found;
  }

  /**
   * Takes in statements of others, each checked by itself; those that are not in order are left out.
   * @returns why some were left out
   */
  async hear(statements: readonly string[]): Promise<string[]> {
    const known = new Set(this.#list.statements().map(({ jws }) => jws));
    const wrong: string[] = [];
    for (const jws of statements) {
      if (known.has(jws)) continue;
      try {
        this.keep({ jws, statement: await readMember(jws, this.group, this.now()) });
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        wrong.push(error.message);
      }
    }
    return wrong;
  }

  /** Makes a statement of this host's own. */
  async say(statement: MemberStatement): Promise<KeptStatement> {
    const { key, certificate } = this.#identity;
    return { jws: await signMember(key, certificate, statement), statement };
  }

  /** Keeps a checked statement, durably, and tells everybody. */
  keep(kept: KeptStatement): void {
    const before = this.#list.members().length;
    const key = this.#list.add(kept);
    if (key === undefined) return;
    this.store.putState(statementsIn, key, kept);
    const { statement } = kept;
    if ('removed' in statement || this.#list.members().length !== before) this.audit(memberRecord(statement));
    this.register.remove(this.#list.removedNames());
    this.register.touch();
    this.onMembers();
  }

  /** After a join: everything anew, from the store. */
  async reload(): Promise<void> {
    const identity = loadIdentity(this.store);
    if (identity === undefined) throw new TypeError('a host without identity');
    this.#authority = await HostAuthority.open(this.config, this.store);
    this.#identity = identity;
    this.#list = loadList(this.store);
    this.register.remove(this.#list.removedNames());
    this.register.touch();
    this.onMembers();
  }
}

const loadList = (store: ConfigStore): MemberList =>
  new MemberList(store.listState(statementsIn).map(({ body }) => body as KeptStatement));

/** The first member is accepted on its own word: the one moment of trust on first use. */
async function found({ config, store, audit, now }: GroupHostInput, authority: HostAuthority): Promise<MemberIdentity> {
  const keys = { sig: newPair(), enc: newPair() };
  const certificates = await authority.certifyMember(config.name, keys.sig.publicKey, keys.enc.publicKey);
  const id = idOfKeys(keys);
  const statement: MemberEntry = {
    v: 1,
    group: authority.group,
    id,
    name: config.name,
    by: id,
    url: urlOf(config),
    sig: jwkOf(keys.sig.publicKey),
    enc: jwkOf(keys.enc.publicKey),
    added: now(),
    gen: 1,
  };
  const jws = await signMember(keys.sig.privateKey, new X509Certificate(certificates.sig), statement);
  store.together(() => {
    storeIdentity(store, keys, certificates);
    store.putState(statementsIn, keyOfStatement(statement), { jws, statement });
    audit({
      action: 'group.create',
      actor: { kind: 'host', id: config.name },
      target: { kind: 'group', id: authority.group },
      outcome: 'success',
      detail: { member: config.name, id, enc: thumbprint(statement.enc) },
    });
  });
  return loadIdentity(store) as MemberIdentity;
}

/** How others reach this host. */
export const urlOf = ({ url, listen }: HostConfig): string => url ?? `https://${listen}`;

function memberRecord(statement: MemberStatement): AuditEntry {
  const removed = 'removed' in statement;
  return {
    action: removed ? 'member.remove' : 'member.add',
    actor: { kind: 'member', id: statement.by },
    target: { kind: 'member', id: statement.id },
    outcome: 'success',
    detail: { name: statement.name, ...(removed ? {} : { url: statement.url, enc: thumbprint(statement.enc) }) },
  };
}
