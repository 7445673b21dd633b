import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import { type GroupChange, providerSubject, readGroupChange } from '@vouchsafe/domain/group/group-state';
import { Problem } from '@vouchsafe/domain/problem';
import type { HostPart } from '../config/paths.ts';
import type { Route } from '../http/server.ts';
import type { Followers } from './followers.ts';
import type { GroupRegister, Known } from './group-register.ts';

/** Longest time in seconds that a question for news is held open. */
export const longestHold = 30;

/** A report of 10,000 denials. */
const reportLimit = 1024 * 1024;

/** What each part may say: attestd that trust was taken away, kmxd that a key provider was revoked or restored. */
const mayReport: Partial<Record<HostPart, (change: GroupChange) => boolean>> = {
  attestd: ({ deny = {}, lifted = {} }) => subjectsOf(deny, lifted).every((sub) => !isProvider(sub)),
  kmxd: ({ epoch, min_epoch, deny = {}, lifted = {} }) =>
    epoch === undefined && min_epoch === undefined && subjectsOf(deny, lifted).every(isProvider),
};
const subjectsOf = (...of: object[]): string[] => of.flatMap((each) => Object.keys(each));
const isProvider = (sub: string): boolean => sub.startsWith(providerSubject(''));

/**
 * What a part of a Trust Authority host may do with the state of the group, on its own socket: follow it, and say what
 * was taken away in its own field.
 */
export function groupRoutes(
  part: HostPart,
  register: GroupRegister,
  followers: Followers,
  audit: (entry: AuditEntry) => void,
): Route[] {
  const follow: Route = {
    method: 'GET',
    path: '/host/group-state',
    async handle({ query, signal }) {
      const known = knownOf(query);
      followers.asked(part, known);
      if (known !== undefined) await register.change(known, 1000 * holdOf(query), signal);
      return { body: register.news(known) };
    },
  };
  const report: Route = {
    method: 'POST',
    path: '/host/group-state',
    bodyLimit: reportLimit,
    handle({ body }) {
      const change = readGroupChange(body);
      if (mayReport[part]?.(change) !== true) throw new Problem('input.invalid', `${part} may not say this`);
      if (register.join(change)) audit(reported(part, change));
      return { body: { version: register.version } };
    },
  };
  return part in mayReport ? [follow, report] : [follow];
}

const reported = (part: HostPart, { deny = {}, lifted = {}, ...epochs }: ReturnType<typeof readGroupChange>) =>
  ({
    action: 'group.change',
    actor: { kind: 'part', id: part },
    target: { kind: 'group', id: 'state' },
    outcome: 'success',
    detail: { ...epochs, denied: Object.keys(deny), lifted: Object.keys(lifted) },
  }) satisfies AuditEntry;

/** @throws {Problem} `input.invalid` */
export function knownOf({ after, of }: Readonly<Record<string, string>>): Known | undefined {
  if (after === undefined || of === undefined) return undefined;
  if (!/^\d{1,15}$/.test(after)) throw new Problem('input.invalid', 'after: expected a number');
  return { version: Number(after), instance: of.slice(0, 64) };
}

/** Seconds; no more than the longest hold. @throws {Problem} `input.invalid` */
export function holdOf({ hold = '0' }: Readonly<Record<string, string>>): number {
  if (!/^\d{1,4}$/.test(hold)) throw new Problem('input.invalid', 'hold: expected a number of seconds');
  return Math.min(longestHold, Number(hold));
}
