import type { MemberEntry } from '@vouchsafe/domain/group/member';
import { Uuid } from '@vouchsafe/domain/keys/reference';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import type { Route } from '../http/server.ts';
import { PrimaryKeyStep } from '../kmxd/primary-key-steps.ts';
import type { MemberOutcome } from '../kmxd/rotations.ts';
import type { GroupHost } from './group-host.ts';
import { MemberClient } from './member-client.ts';

/** A step about a primary key of a provider, from one member to another. */
export const PrimaryKeyOrder = Type.Object({ provider: Uuid, step: PrimaryKeyStep }, { additionalProperties: false });
export type PrimaryKeyOrder = Type.Static<typeof PrimaryKeyOrder>;
export const readPrimaryKeyOrder = validator('order about a primary key', PrimaryKeyOrder);

/** Milliseconds for one member, its key servers included. */
const patience = 30_000;

/** kmxd, on its own socket, has all other members do a step. */
export const primaryKeyOrders = (host: GroupHost): Route => ({
  method: 'POST',
  path: '/host/members/primary-keys',
  async handle({ body }) {
    const order = readPrimaryKeyOrder(body);
    return { body: await Promise.all(host.others().map((member) => tell(host, member, order))) };
  },
});

async function tell(host: GroupHost, member: MemberEntry, order: PrimaryKeyOrder): Promise<MemberOutcome> {
  const { group, authority, identity, now, removed } = host;
  if (removed) return { name: member.name, problem: 'this host was removed from the group', kind: 'member.refused' };
  const client = new MemberClient({ group, caPem: authority.caPem, identity, now }, member, patience);
  try {
    await client.call('POST', '/member/primary-keys', order);
    return { name: member.name };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { name: member.name, problem: error.message, kind: error.kind };
  } finally {
    await client.close();
  }
}
