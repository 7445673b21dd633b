import { setTimeout as sleep } from 'node:timers/promises';
import type { MemberEntry } from '@vouchsafe/domain/group/member';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import type { HostPart } from '../config/paths.ts';
import type { Followers } from './followers.ts';
import type { GroupHost } from './group-host.ts';
import type { Known } from './group-register.ts';
import { longestHold } from './group-routes.ts';
import { MemberClient } from './member-client.ts';
import { MemberNews, maxStaleOf } from './member-routes.ts';
import type { Peers } from './peers.ts';

const readNews = validator('news of a member', MemberNews);

/** Milliseconds that the parts of this host have to obey before the news are said to be merely known. */
const obeyWithin = 3000;
const retryAfter = 1000;
const tick = 1000;

/** The parts that obey the state of the group. */
export const obeyingParts: readonly HostPart[] = ['attestd', 'kmxd'];

interface Following {
  readonly member: MemberEntry;
  readonly client: MemberClient;
  stopped: boolean;
}

/**
 * Carries the state of the group between members: each asks every other, by long poll, for what it does not know yet.
 * There is no leader and no order; what is heard is taken in durably and obeyed by the parts of this host before it is
 * acknowledged with the next question.
 */
export class Spreader {
  readonly #host: GroupHost;
  readonly #peers: Peers;
  readonly #followers: Followers;
  readonly #following = new Map<string, Following>();
  readonly #running = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #closed = false;

  constructor(host: GroupHost, peers: Peers, followers: Followers) {
    this.#host = host;
    this.#peers = peers;
    this.#followers = followers;
    this.#timer = setInterval(() => this.judge(), tick).unref();
    this.sync();
  }

  /** Follows the members that there are now, at the addresses that they have now. */
  sync(): void {
    if (this.#closed) return;
    const others = new Map(this.#host.removed ? [] : this.#host.others().map((member) => [member.id, member]));
    for (const [id, { member }] of this.#following) if (others.get(id)?.url !== member.url) this.#stop(id);
    for (const member of others.values()) if (!this.#following.has(member.id)) this.#start(member);
    this.judge();
  }

  /** Gives up all connections and makes them anew, with another identity. */
  restart(): void {
    for (const id of [...this.#following.keys()]) this.#stop(id);
    this.sync();
  }

  /** Decides whether this host may serve. */
  judge(): void {
    const { register } = this.#host;
    const maxStale = maxStaleOf(this.#host);
    register.setService(this.#host.removed ? 'this host was removed from the group' : this.#cutOff(maxStale), maxStale);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const id of [...this.#following.keys()]) this.#stop(id);
    await Promise.all(this.#running);
  }

  /** Two members alone cannot tell an outage from a cut: with them a limit would turn one failure into two. */
  #cutOff(maxStale: number): string | undefined {
    const others = this.#host.others();
    if (maxStale === 0 || others.length < 2) return undefined;
    const heard = others.filter(({ id }) => this.#peers.isHeard(id, maxStale));
    if ((heard.length + 1) * 2 > others.length + 1) return undefined;
    return `${heard.length} of ${others.length} other members were heard of in the last ${maxStale} s: revocations may be unknown here`;
  }

  #start(member: MemberEntry): void {
    const { group, authority, identity, now } = this.#host;
    const input = { group, caPem: authority.caPem, identity, now };
    const following: Following = {
      member,
      client: new MemberClient(input, member, (longestHold + 10) * 1000),
      stopped: false,
    };
    this.#following.set(member.id, following);
    const running = this.#follow(following).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  #stop(id: string): void {
    const following = this.#following.get(id);
    if (following === undefined) return;
    following.stopped = true;
    this.#following.delete(id);
    void following.client.close();
  }

  async #follow(following: Following): Promise<void> {
    const { member } = following;
    let known: Known | undefined;
    let obeyed = 0;
    while (!following.stopped) {
      try {
        const news = readNews(await following.client.call('GET', pathFor(known, obeyed)));
        if (following.stopped) return;
        this.#peers.heard(member.id);
        // First who is a member: what comes from one that was removed is not taken in any more.
        await this.#host.hear(news.members);
        if (following.stopped) return;
        this.#host.register.join(news.state);
        if (known?.instance !== news.instance) obeyed = 0;
        known = { instance: news.instance, version: news.version };
        const behind = await this.#followers.obeying(obeyingParts, this.#host.register.version, obeyWithin);
        if (behind.length === 0) obeyed = known.version;
        else this.#peers.failed(member.id, `our own ${behind.join(' and ')} does not follow`);
      } catch (error) {
        if (following.stopped) return;
        await this.#failed(member, error);
      }
    }
  }

  async #failed(member: MemberEntry, error: unknown): Promise<void> {
    this.#peers.failed(member.id, (error as Error).message);
    const { tombstone } = error instanceof Problem ? (error.data as { tombstone?: unknown }) : {};
    if (typeof tombstone === 'string') await this.#host.hear([tombstone]);
    await sleep(retryAfter * (0.5 + Math.random()), undefined, { ref: false });
  }
}

/** What is known but not obeyed yet is asked for again soon, to acknowledge it when it is. */
function pathFor(known: Known | undefined, obeyed: number): string {
  if (known === undefined) return '/member/group-state';
  const hold = obeyed === known.version ? longestHold : 1;
  return `/member/group-state?after=${known.version}&of=${known.instance}&obeyed=${obeyed}&hold=${hold}`;
}
