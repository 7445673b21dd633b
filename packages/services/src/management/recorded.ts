import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import { kindOf } from '@vouchsafe/domain/problem';
import type { ConfigStore } from '@vouchsafe/store/config-store';

/** What makes and records a change. */
export interface Recorder {
  readonly store: ConfigStore;
  /** Records a change of configuration; throws when it cannot. */
  readonly audit: (...entries: AuditEntry[]) => void;
}

/**
 * Makes a change and records it, neither without the other: a change that fails leaves no record of a success, and one
 * that cannot be recorded is taken back.
 */
export function recorded<T>({ store, audit }: Recorder, entry: AuditEntry | readonly AuditEntry[], change: () => T): T {
  return store.together(() => {
    const result = change();
    audit(...[entry].flat());
    return result;
  });
}

/** The record of a change by the local administrator. */
export const changed = (
  action: AuditEntry['action'],
  kind: string,
  id: string,
  detail: Record<string, unknown> = {},
): AuditEntry => ({
  action,
  actor: { kind: 'user', id: 'local-root' },
  target: { kind, id },
  outcome: 'success',
  detail,
});

/** The record of what would have been recorded as `entry`, and failed. */
export const failed = ({ detail, ...entry }: AuditEntry, error: unknown): AuditEntry => ({
  ...entry,
  outcome: 'failure',
  problem: kindOf(error),
  detail,
});
