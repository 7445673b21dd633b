import { groupOf } from '@vouchsafe/domain/group/group';
import { GroupState, readGroupState } from '@vouchsafe/domain/group/group-state';
import { type InviteFile, inviteSecret } from '@vouchsafe/domain/group/invite';
import {
  type IdentityKeys,
  idOfKeys,
  type Joined,
  joinMessage,
  joinRequest,
  readJoinAnswer,
  readJoinReply,
} from '@vouchsafe/domain/group/join';
import { readMember } from '@vouchsafe/domain/group/member';
import { keyOfStatement, MemberList } from '@vouchsafe/domain/group/member-list';
import { openSecret } from '@vouchsafe/domain/group/sealed-secret';
import { newPair } from '@vouchsafe/domain/keys/jwk';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import { privateKeyPem } from '@vouchsafe/domain/x509/pem';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import Type from 'typebox';
import { HttpClient } from '../http/client.ts';
import { HostAuthority } from './authority.ts';
import { type GroupHost, statementsIn, urlOf } from './group-host.ts';
import { caKeyGeneration, caKeyName } from './handover.ts';
import { MemberClient } from './member-client.ts';
import { loadKeys, storeIdentity, storeKeys } from './member-identity.ts';

/** The steps of a join, in order; a crash after any of them leaves a host that is no member, or one that is. */
export type JoinStep = 'keys-kept' | 'answered' | 'handed-over' | 'joined';

export interface JoinOrder {
  readonly invite: InviteFile;
  /** Where the member is reached, when that is not what the invite says. */
  readonly url?: string;
}

const keyNames = { sig: 'joining-sig', enc: 'joining-enc' };
const place = { collection: 'member', name: 'joining' } as const;
const readPending = validator('stored join', Type.Object({ invite: Type.String(), request: Type.String() }));
const readHandover = validator(
  'handover',
  Type.Object({
    secrets: Type.Record(Type.String({ maxLength: 256 }), Type.String({ maxLength: 65_536 })),
    state: GroupState,
    members: Type.Array(Type.String({ maxLength: 8192 }), { maxItems: 4096 }),
  }),
);

/**
 * Makes this host a member of the group that the invite is for. Until everything has come and was checked it stays what
 * it was; then all of it is stored in one transaction.
 *
 * @param step is told what is done; tests end the process there
 * @returns id of the member that let it in
 * @throws {Problem} `service.unreachable`, `invite.refused`, `member.untrusted`, `object.exists`
 */
export async function joinGroup(
  host: GroupHost,
  { invite, url = invite.url }: JoinOrder,
  step: (done: JoinStep) => void = () => undefined,
): Promise<{ by: string; url: string }> {
  const group = groupOf(invite.ca, invite.group);
  const { keys, request } = await pendingJoin(host, invite);
  step('keys-kept');
  using secret = inviteSecret(invite);
  const reply = readJoinReply(
    await post({ url, ca: invite.ca }, '/member/join', joinMessage(invite.id, secret, group.id, request)),
  );
  const joined = readJoinAnswer(secret, { request, reply, group, keys, now: host.now() });
  step('answered');
  const { statements, state, key } = await receive(host, { invite, url, keys, joined });
  using caKey = key;
  step('handed-over');
  host.store.together(() => {
    HostAuthority.replace(host.store, invite.ca, caKey);
    storeIdentity(host.store, keys, { sig: joined.sig.toString(), enc: joined.enc.toString() });
    for (const { name } of host.store.listState(statementsIn)) host.store.deleteState(statementsIn, name);
    for (const kept of statements.statements()) host.store.putState(statementsIn, keyOfStatement(kept.statement), kept);
    host.register.join(state);
    forgetPending(host.store);
    host.store.putState('member', 'levelling', { from: joined.by });
    host.audit({
      action: 'member.join',
      actor: { kind: 'user', id: 'local-root' },
      target: { kind: 'group', id: group.id },
      outcome: 'success',
      detail: { id: idOfKeys(keys), by: joined.by, url },
    });
  });
  step('joined');
  return { by: joined.by, url };
}

/** Keys and request of a join that was begun with this invite, or new ones. A repeated request gets the same answer. */
async function pendingJoin(host: GroupHost, invite: InviteFile): Promise<{ keys: IdentityKeys; request: string }> {
  const { store, config } = host;
  const stored = store.getState(place.collection, place.name);
  const pending = stored === undefined ? undefined : readPending(stored);
  if (pending?.invite === invite.id) return { keys: loadKeys(store, keyNames), request: pending.request };
  const keys = { sig: newPair(), enc: newPair() };
  const request = await joinRequest(keys, { group: invite.group, name: config.name, url: urlOf(config) });
  store.together(() => {
    storeKeys(store, keys, keyNames);
    store.putState(place.collection, place.name, { invite: invite.id, request });
  });
  return { keys, request };
}

/** Whether a join was begun here and not ended. */
export const joinIsPending = (store: ConfigStore): boolean =>
  store.getState(place.collection, place.name) !== undefined;

function forgetPending(store: ConfigStore): void {
  store.deleteState(place.collection, place.name);
  for (const name of Object.values(keyNames)) store.deleteSecret(name);
}

/** With its new certificates the host asks as a member for what members share. */
async function receive(
  host: GroupHost,
  { invite, url, keys, joined }: { invite: InviteFile; url: string; keys: IdentityKeys; joined: Joined },
) {
  const [group, id, now] = [groupOf(invite.ca), idOfKeys(keys), host.now];
  const identity = {
    id,
    key: keys.sig.privateKey,
    enc: keys.enc.privateKey,
    certificate: joined.sig,
    certificatePem: joined.sig.toString(),
    keyPem: privateKeyPem(keys.sig.privateKey),
  };
  const client = new MemberClient({ group, caPem: invite.ca, identity, now }, { id: joined.by, url });
  try {
    const { secrets, state, members } = readHandover(await client.call('POST', '/member/handover', {}));
    const statements = await checkedList([...joined.members, ...members], host, invite);
    for (const [member, what] of [
      [id, 'this host'],
      [joined.by, 'the member that made the invite'],
    ] as const)
      if (statements.find(member) === undefined)
        throw new Problem('member.untrusted', `members' list: it does not name ${what}`);
    const expected = { group, from: joined.by, me: id, sub: caKeyName, gen: caKeyGeneration, now: now() };
    const { secret: key } = await openSecret(keys.enc.privateKey, String(secrets[caKeyName]), expected);
    return { statements, state: readGroupState(state), key };
  } finally {
    await client.close();
  }
}

async function checkedList(jwss: readonly string[], host: GroupHost, invite: InviteFile): Promise<MemberList> {
  const group = groupOf(invite.ca);
  const list = new MemberList();
  for (const jws of new Set(jwss)) list.add({ jws, statement: await readMember(jws, group, host.now()) });
  return list;
}

async function post(target: { url: string; ca: string }, path: string, body: unknown): Promise<unknown> {
  const client = new HttpClient(target, { limit: 8 * 1024 * 1024 });
  try {
    return (await client.call('POST', path, body)).body;
  } finally {
    await client.close();
  }
}

/** Whether the host is a member of that group already. */
export const isMemberOf = (host: GroupHost, { group }: InviteFile): boolean => host.group.id === group && !host.removed;
