import { createHash } from 'node:crypto';
import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import { type InviteFile, inviteLifetime, newInvite } from '@vouchsafe/domain/group/invite';
import {
  type JoinMessage,
  type JoinReply,
  joinMacHolds,
  joinReply,
  readJoinRequest,
  type WantedMember,
} from '@vouchsafe/domain/group/join';
import type { MemberEntry } from '@vouchsafe/domain/group/member';
import { jwkOf, thumbprint } from '@vouchsafe/domain/keys/jwk';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import { type GroupHost, urlOf } from './group-host.ts';

/** Messages that may come with an invite before it counts no more: guesses, or a host with a wrong clock or file. */
const mostAttempts = 5;
/** Invites that wait at once. */
const mostInvites = 100;

const Stored = Type.Object({
  name: Type.Optional(Type.String()),
  expires: Type.Integer(),
  attempts: Type.Integer(),
  /** The request that used it up and the answer, so that a host that lost the answer gets the same one. */
  used: Type.Optional(Type.Object({ request: Type.String(), answer: Type.String(), mac: Type.String() })),
});
type Stored = Type.Static<typeof Stored>;

const read = validator('stored invite', Stored);
const collection = 'invites';
const secretOf = (id: string) => `invite/${id}`;
const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** The invites of this member, and the hosts that come with them. */
export class Invites {
  readonly #host: GroupHost;
  #last: Promise<unknown> = Promise.resolve();

  constructor(host: GroupHost) {
    this.#host = host;
  }

  /** Makes an invite. @throws {Problem} `object.exists`, `object.in-use` when too many wait */
  create(name?: string): InviteFile {
    const { store, audit, now, list, authority, group, config } = this.#host;
    this.#forgetOld();
    if (name !== undefined && list.isTaken(name))
      throw new Problem('object.exists', `${name}: a member has, or had, this name`);
    if (store.listState(collection).length >= mostInvites)
      throw new Problem('object.in-use', `${mostInvites} invites wait already; each counts for an hour`);
    const { id, secret: made } = newInvite();
    using secret = made;
    const expires = now() + inviteLifetime;
    store.together(() => {
      store.putSecret(secretOf(id), secret);
      store.putState(collection, id, { expires, attempts: 0, ...(name === undefined ? {} : { name }) });
      audit(record('member.invite', id, { expires, name }));
    });
    return {
      kind: 'vouchsafe-invite',
      v: 1,
      id,
      group: group.id,
      ca: authority.caPem,
      url: urlOf(config),
      ...(name === undefined ? {} : { name }),
      expires,
      secret: secret.use((bytes) => Buffer.from(bytes).toString('base64url')),
    };
  }

  /** Whether any was made that could still be used. */
  get waiting(): number {
    this.#forgetOld();
    return this.#host.store.listState(collection).length;
  }

  /**
   * Answers a host that wants to join, one after the other. The same request gets the same answer again; any other one
   * with a used invite is refused.
   * @throws {Problem} `invite.refused`, `object.exists` when the name is taken, `input.malformed`, `input.invalid`
   */
  accept(message: JoinMessage): Promise<JoinReply> {
    const next = this.#last.then(() => this.#accept(message));
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #accept(message: JoinMessage): Promise<JoinReply> {
    const { store, group, list } = this.#host;
    const stored = this.#known(message.invite);
    using secret = store.getSecret(secretOf(message.invite));
    if (secret === undefined) throw refused();
    if (!joinMacHolds(secret, group.id, message)) return this.#wrong(message.invite, stored, 'its code does not hold');
    const { used } = stored;
    if (used !== undefined) {
      if (used.request === hashOf(message.request)) return { answer: used.answer, mac: used.mac };
      return this.#wrong(message.invite, stored, 'it was used already, by another request');
    }
    const wanted = await readJoinRequest(message.request, group.id);
    if (stored.name !== undefined && stored.name !== wanted.name)
      throw new Problem('invite.refused', `it was made for host ${stored.name}, this is ${wanted.name}`);
    if (list.isTaken(wanted.name))
      throw new Problem('object.exists', `${wanted.name}: a member has, or had, this name; take another one`);
    return await this.#admit(message, stored, wanted, secret);
  }

  async #admit(
    { invite, request }: JoinMessage,
    stored: Stored,
    { name, url, sig, enc }: WantedMember,
    secret: Parameters<typeof joinReply>[0],
  ): Promise<JoinReply> {
    const { store, authority, identity, group, now, list } = this.#host;
    const certificates = await authority.certifyMember(name, sig, enc);
    const jwk = jwkOf(sig);
    const entry: MemberEntry = {
      v: 1,
      group: group.id,
      id: thumbprint(jwk),
      name,
      by: identity.id,
      url,
      sig: jwk,
      enc: jwkOf(enc),
      added: now(),
      gen: 1,
    };
    const kept = await this.#host.say(entry);
    const members = [...list.statements().map(({ jws }) => jws), kept.jws];
    const reply = joinReply(secret, request, { group: group.id, by: identity.id, ...certificates, members });
    // From here on the host is a member, whether or not the answer arrives: it can ask again.
    store.together(() => {
      store.putState(collection, invite, { ...stored, used: { request: hashOf(request), ...reply } });
      this.#host.keep(kept);
    });
    return reply;
  }

  #known(id: string): Stored {
    const body = this.#host.store.getState(collection, id);
    if (body === undefined) throw refused();
    const stored = read(body);
    if (stored.expires < this.#host.now() || stored.attempts >= mostAttempts) throw refused();
    return stored;
  }

  #wrong(id: string, stored: Stored, why: string): never {
    const { store, audit } = this.#host;
    store.putState(collection, id, { ...stored, attempts: stored.attempts + 1 });
    audit({ ...record('member.refuse', id, { why }), outcome: 'failure', problem: 'invite.refused' });
    throw refused();
  }

  #forgetOld(): void {
    const { store, now } = this.#host;
    for (const { name: id, body } of store.listState(collection)) {
      if (read(body).expires >= now()) continue;
      store.deleteState(collection, id);
      store.deleteSecret(secretOf(id));
    }
  }
}

/** One text for all reasons: who guesses learns nothing. */
const refused = (): Problem =>
  new Problem('invite.refused', 'the invite is unknown, expired or used, or the request was changed on its way');

const record = (
  action: 'member.invite' | 'member.refuse',
  id: string,
  detail: Record<string, unknown>,
): AuditEntry => ({
  action,
  actor: action === 'member.invite' ? { kind: 'user', id: 'local-root' } : { kind: 'host', id: 'unknown' },
  target: { kind: 'invite', id },
  outcome: 'success',
  detail,
});
