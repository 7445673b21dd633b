import { requestLifetime, signMemberAnswer, verifyRequest } from '@vouchsafe/domain/group/member-request';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import type { Request, Route } from '../http/server.ts';
import type { LocalParts } from './configurations.ts';
import type { GroupHost } from './group-host.ts';
import { GroupNews } from './group-register.ts';
import { holdOf, knownOf } from './group-routes.ts';
import { caKeyName, handover } from './handover.ts';
import { memberHeader } from './member-client.ts';
import type { Peers } from './peers.ts';
import { readPrimaryKeyOrder } from './primary-key-orders.ts';

/** What members tell each other: the state of the group, and all statements about members. */
export const MemberNews = Type.Object({
  ...GroupNews.properties,
  members: Type.Array(Type.String({ maxLength: 8192 }), { maxItems: 4096 }),
});

/** What a member says of itself to others, for comparison. */
export const MemberStatus = Type.Object({
  name: Type.String({ maxLength: 256 }),
  /** Seconds since 1970, by its own clock. */
  time: Type.Number(),
  epoch: Type.Integer(),
  denied: Type.Integer(),
  max_stale: Type.Integer(),
  configurations: Type.Record(
    Type.String({ maxLength: 32 }),
    Type.Object({ generation: Type.Integer(), digest: Type.String({ maxLength: 128 }) }),
  ),
});
export type MemberStatus = Type.Static<typeof MemberStatus>;

type Handle = (request: Request, from: string) => Promise<unknown> | unknown;

/** What other members may ask, on the socket behind the proxy. */
export function memberRoutes(host: GroupHost, peers: Peers, parts: LocalParts): Route[] {
  const seen = new Map<string, number>();
  const enter = (jti: string): boolean => {
    const now = host.now();
    for (const [old, at] of seen) {
      if (at + 3 * requestLifetime >= now) break;
      seen.delete(old);
    }
    return !seen.has(jti) && seen.set(jti, now).has(jti);
  };
  const route = (method: 'GET' | 'POST', path: string, handle: Handle): Route => ({
    method,
    path,
    handle: (request) => answered(host, method, request, enter, handle),
  });
  return [
    route('GET', '/member/group-state', async ({ query, signal }, from) => {
      const known = knownOf(query);
      const obeyed = knownOf({ ...query, after: query.obeyed ?? '0' });
      if (obeyed?.instance === host.register.instance) peers.obeys(from, obeyed);
      if (known !== undefined) await host.register.change(known, 1000 * holdOf(query), signal);
      return { ...host.register.news(known), members: host.list.statements().map(({ jws }) => jws) };
    }),
    route('GET', '/member/status', () => ownStatus(host, parts)),
    route('GET', '/member/configuration', ({ query: { part = '' } }) => parts.read(part)),
    route('POST', '/member/primary-keys', async ({ body }) => {
      await parts.primaryKeyStep(readPrimaryKeyOrder(body));
      return {};
    }),
    route('POST', '/member/handover', async (_request, from) => {
      const recipient = host.list.find(from);
      if (recipient === undefined) throw new Problem('member.refused', `${from} is no member here`);
      const secrets = await handover(host, recipient);
      host.audit({
        action: 'member.handover',
        actor: { kind: 'member', id: from },
        target: { kind: 'secret', id: caKeyName },
        outcome: 'success',
        detail: { name: recipient.name },
      });
      return {
        secrets,
        state: host.register.standing.state(),
        members: host.list.statements().map(({ jws }) => jws),
      };
    }),
  ];
}

/** What this host says of itself. */
export async function ownStatus(host: GroupHost, parts: LocalParts): Promise<MemberStatus> {
  const { standing } = host.register;
  return {
    name: host.config.name,
    time: host.now(),
    epoch: standing.epoch,
    denied: standing.denied().length,
    max_stale: maxStaleOf(host),
    configurations: await parts.digests(),
  };
}

/** Seconds without news of most members after which this host serves no more; 0 for ever. */
export const maxStaleOf = ({ store }: GroupHost): number => Number(store.get('group', 'max_stale') ?? 0);

async function answered(
  host: GroupHost,
  method: 'GET' | 'POST',
  request: Request,
  enter: (jti: string) => boolean,
  handle: Handle,
) {
  const { [memberHeader]: signed } = request.headers;
  if (signed === undefined) throw new Problem('member.refused', `${memberHeader}: the signed request is missing`);
  const from = await verifyRequest(signed, {
    call: { method, path: request.url, body: request.raw },
    group: host.group,
    me: host.identity.id,
    now: host.now(),
    isMember: (id) => host.list.find(id) !== undefined,
    enter,
  }).catch((error: unknown) => Promise.reject(withTombstone(host, signed, error)));
  const body = JSON.stringify(await handle(request, from));
  const { identity } = host;
  return {
    body: { answer: await signMemberAnswer(identity, { request: signed, body, aud: from, now: host.now() }), body },
  };
}

/** A member that was removed while it was away shall learn of it from whoever refuses it. */
function withTombstone(host: GroupHost, signed: string, error: unknown): unknown {
  if (!(error instanceof Problem)) return error;
  const mentioned = host.list.statements().find(({ statement }) => {
    return 'removed' in statement && statement.id === issuerOf(signed);
  });
  return mentioned === undefined
    ? error
    : new Problem('member.refused', error.message, { data: { tombstone: mentioned.jws }, cause: error });
}

/** Who a request says it is from; believed for nothing. */
function issuerOf(signed: string): string | undefined {
  try {
    const payload = JSON.parse(Buffer.from(signed.split('.')[1] ?? '', 'base64url').toString()) as { iss?: string };
    return payload.iss;
  } catch {
    return undefined;
  }
}
