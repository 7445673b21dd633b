import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import type { AttestationConfiguration } from '../configuration.ts';

/** What the management operations of attestd work on. */
export interface AttestdContext {
  readonly configuration: AttestationConfiguration;
  readonly store: ConfigStore;
  /** Records a change of configuration; throws when it cannot. */
  readonly audit: (entry: AuditEntry) => void;
  readonly now: () => Date;
}
