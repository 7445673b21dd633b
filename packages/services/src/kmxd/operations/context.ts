import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import type { GroupStanding } from '@vouchsafe/domain/group/group-standing';
import type { GroupChange } from '@vouchsafe/domain/group/group-state';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import type { Seal } from '../../seal/part-key.ts';
import type { ProviderConfiguration } from '../configuration.ts';
import type { PrimaryKeys } from '../primary-keys.ts';
import type { HostLimits } from '../release-limits.ts';
import type { Rotations } from '../rotations.ts';

/** What the management operations of kmxd work on. */
export interface KmxdContext {
  /** Name of this host: what key servers see of it. */
  readonly host: string;
  readonly providers: ProviderConfiguration;
  readonly primaryKeys: PrimaryKeys;
  readonly limits: HostLimits;
  readonly rotations: Rotations;
  /** Says to the group what was taken away or given back, durably. */
  readonly report: (change: GroupChange) => Promise<void>;
  /** What the group has taken away. */
  readonly standing: GroupStanding;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly store: ConfigStore;
  /** What protects the store's secrets while the host is off. */
  readonly seal: Seal;
  /** Records a change of configuration; throws when it cannot. */
  readonly audit: (entry: AuditEntry) => void;
}
