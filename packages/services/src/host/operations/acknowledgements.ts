import { type Operation, query } from '../../management/operation.ts';
import { obeyingParts } from '../spreader.ts';
import type { GroupContext } from './context.ts';

/** Milliseconds in which every member that is reached has heard and obeys. */
export const acknowledgedWithin = 5000;

/** Which members obey what was taken away until now. */
export interface Acknowledgements {
  readonly acknowledged: readonly string[];
  readonly silent: readonly { readonly name: string; readonly reason: string }[];
}

/** Waits until all members obey what stands here now, and says who does not. */
export async function acknowledgements({ host, peers, followers }: GroupContext): Promise<Acknowledgements> {
  const { version } = host.register;
  const others = host.others();
  const [behind, parts] = await Promise.all([
    peers.obeying(others, version, acknowledgedWithin),
    followers.obeying(obeyingParts, version, acknowledgedWithin),
  ]);
  const silent = behind.map(({ id, name }) => ({
    name,
    reason: peers.of(id).problem ?? `not heard of for ${Math.round(peers.silence(id))} s`,
  }));
  const own = parts.length > 0 ? [{ name: host.config.name, reason: `${parts.join(' and ')} does not follow` }] : [];
  const late = new Set([...silent, ...own].map(({ name }) => name));
  const all = [host.config.name, ...others.map(({ name }) => name)];
  return { acknowledged: all.filter((name) => !late.has(name)), silent: [...own, ...silent] };
}

export const acknowledgementOperations = (context: GroupContext): Operation[] => [
  query(
    {
      name: 'host.group.acknowledgements.get',
      method: 'GET',
      path: '/host/group/acknowledgements',
      grant: 'READ_ONLY',
      summary: 'Wait until every member obeys what was taken away, for 5 s at most, and say which do not',
    },
    () => acknowledgements(context),
  ),
];
