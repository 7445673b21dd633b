import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import { Problem } from '@vouchsafe/domain/problem';
import type { LocalParts, RawConfiguration } from './configurations.ts';
import type { GroupHost } from './group-host.ts';
import { MemberClient } from './member-client.ts';

/** What came of taking over a configuration. */
export interface Levelled {
  readonly part: 'attestd' | 'kmxd';
  readonly outcome: 'taken over' | 'equal' | 'refused';
  readonly detail?: string;
}

/**
 * Takes over the configurations of another member, where they differ and are newer than ours. Nobody is levelled
 * downwards: which of two changed configurations counts is for a person to say.
 * @throws {Problem} `service.unreachable`, `member.untrusted`, `object.unknown`
 */
export async function level(host: GroupHost, parts: LocalParts, from: string): Promise<Levelled[]> {
  const member = host.member(from);
  const { group, authority, identity, now } = host;
  const client = new MemberClient({ group, caPem: authority.caPem, identity, now }, member, 60_000);
  try {
    const levelled: Levelled[] = [];
    for (const part of ['attestd', 'kmxd'] as const) {
      const theirs = (await client.call('GET', `/member/configuration?part=${part}`)) as RawConfiguration;
      levelled.push(await take(parts, part, theirs));
    }
    host.audit(record(host, member.name, levelled));
    return levelled;
  } finally {
    await client.close();
  }
}

async function take(parts: LocalParts, part: Levelled['part'], theirs: RawConfiguration): Promise<Levelled> {
  try {
    return { part, outcome: (await parts.take(part, theirs)) ? 'taken over' : 'equal' };
  } catch (error) {
    if (!(error instanceof Problem) || error.kind === 'host.not-ready') throw error;
    return {
      part,
      outcome: 'refused',
      detail: `${error.message}; level the other one from here, or make its changes here`,
    };
  }
}

const record = (host: GroupHost, from: string, levelled: readonly Levelled[]): AuditEntry => ({
  action: 'member.level',
  actor: { kind: 'user', id: 'local-root' },
  target: { kind: 'host', id: host.config.name },
  outcome: 'success',
  detail: { from, ...Object.fromEntries(levelled.map(({ part, outcome }) => [part, outcome])) },
});

const place = { collection: 'member', name: 'levelling' } as const;

/** The member whose configuration a host that has just joined still has to take over. */
export const levellingFrom = ({ store }: GroupHost): string | undefined =>
  (store.getState(place.collection, place.name) as { from?: string } | undefined)?.from;

export const levellingDone = ({ store }: GroupHost): void => store.deleteState(place.collection, place.name);
