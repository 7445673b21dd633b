import { setTimeout as sleep } from 'node:timers/promises';
import { GroupStanding } from '@vouchsafe/domain/group/group-standing';
import type { GroupChange } from '@vouchsafe/domain/group/group-state';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import { HttpClient } from '../http/client.ts';
import type { MemberOutcome } from '../kmxd/rotations.ts';
import { GroupNews } from './group-register.ts';
import { longestHold } from './group-routes.ts';
import type { PrimaryKeyOrder } from './primary-key-orders.ts';

/** What a part of a Trust Authority host knows of its group, at any moment. */
export interface Membership {
  readonly standing: GroupStanding;
  /**
   * Is asked before a token is issued or a key released.
   * @throws {Problem} `group.stale` when this host was cut off for too long, or is no member any more
   */
  mustServe(): void;
}

export interface GroupLink extends Membership {
  /** Seconds since the part `host` was last heard of. */
  silence(): number;
  /** Has the part `host` take in a change, durably. @throws {Problem} `host.not-ready` */
  report(change: GroupChange): Promise<void>;
  /** Has all other members do a step about a primary key. @throws {Problem} `host.not-ready` */
  primaryKeyStep(order: PrimaryKeyOrder): Promise<MemberOutcome[]>;
  /** Has the migration CA certify a key for a host. @throws {Problem} `host.not-ready`, `input.malformed` */
  certifyMigration(public_key: string, host: string): Promise<{ certificate: string; ca: string }>;
  close(): Promise<void>;
}

export interface GroupLinkOptions {
  /** Is told what was taken in before it is acknowledged; when it throws, it is not. */
  readonly onNews?: (news: GroupNews) => void;
  /** Seconds that a question is held open; shorter in tests. */
  readonly hold?: number;
  /** Milliseconds on a clock that never goes back. */
  readonly clock?: () => number;
}

const readNews = validator('news of the group', GroupNews);
const retryAfter = 500;

/**
 * Follows the state of the group, as the part `host` keeps it. It is known before this returns, so nothing is ever
 * served without it; later it is at most as old as the silence of the part `host`.
 *
 * @param socket the socket on which the part `host` serves this part
 * @throws {Problem} `host.not-ready`
 */
export async function groupLink(socket: string, options: GroupLinkOptions = {}): Promise<GroupLink> {
  const { onNews = () => undefined, hold = longestHold, clock = () => performance.now() } = options;
  const client = new HttpClient({ socket }, { timeout: (hold + 10) * 1000, limit: 64 * 1024 * 1024 });
  const standing = new GroupStanding();
  let heard = clock();
  const ask = async (path: string) => {
    const news = readNews((await client.call('GET', path)).body);
    heard = clock();
    standing.join(news.state);
    standing.remove(news.removed);
    onNews(news);
    return news;
  };
  let last = await ask('/host/group-state').catch(async (cause) => {
    await client.close();
    throw new Problem('host.not-ready', `the part host does not tell the state of the group: ${cause.message}`, {
      cause,
    });
  });
  let closed = false;
  const follow = async () => {
    while (!closed) {
      const path = `/host/group-state?after=${last.version}&of=${last.instance}&hold=${holdFor(last, hold)}`;
      try {
        last = await ask(path);
      } catch {
        if (!closed) await sleep(retryAfter, undefined, { ref: false });
      }
    }
  };
  const following = follow();
  const silence = () => (clock() - heard) / 1000;
  return {
    standing,
    silence,
    mustServe() {
      if (last.stopped !== undefined) throw new Problem('group.stale', last.stopped);
      if (last.max_stale > 0 && silence() > last.max_stale)
        throw new Problem('group.stale', `the part host was not heard of for ${Math.floor(silence())} s`);
    },
    async report(change) {
      try {
        await client.call('POST', '/host/group-state', change);
      } catch (cause) {
        if (cause instanceof Problem && cause.kind !== 'service.unreachable') throw cause;
        throw new Problem('host.not-ready', `the part host takes no change: ${(cause as Error).message}`, { cause });
      }
    },
    async primaryKeyStep(order) {
      try {
        return (await client.call('POST', '/host/members/primary-keys', order)).body as MemberOutcome[];
      } catch (cause) {
        throw new Problem('host.not-ready', `the part host does not ask the members: ${(cause as Error).message}`, {
          cause,
        });
      }
    },
    async certifyMigration(public_key, host) {
      const { body } = await client.call('POST', '/host/migration-certificate', { public_key, host });
      return body as { certificate: string; ca: string };
    },
    async close() {
      closed = true;
      await client.close();
      await following;
    },
  };
}

/** Questions come often enough to notice silence in time. */
const holdFor = ({ max_stale }: GroupNews, hold: number): number =>
  max_stale === 0 ? hold : Math.max(1, Math.min(hold, Math.floor(max_stale / 3)));
