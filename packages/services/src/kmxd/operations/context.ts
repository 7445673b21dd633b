import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import type { Seal } from '../../seal/part-key.ts';
import type { ProviderConfiguration } from '../configuration.ts';
import type { KmipSource } from '../kmip-source.ts';

/** What the management operations of kmxd work on. */
export interface KmxdContext {
  readonly providers: ProviderConfiguration;
  readonly kmip: KmipSource;
  readonly store: ConfigStore;
  /** What protects the store's secrets while the host is off. */
  readonly seal: Seal;
  /** Records a change of configuration; throws when it cannot. */
  readonly audit: (entry: AuditEntry) => void;
}
