import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import type { AttestationConfiguration } from '../configuration.ts';
import type { EvidenceKeeper } from '../evidence-keeper.ts';

/** What the management operations of attestd work on. */
export interface AttestdContext {
  readonly configuration: AttestationConfiguration;
  readonly evidence: EvidenceKeeper;
  readonly store: ConfigStore;
  /** Records a change of configuration; throws when it cannot. */
  readonly audit: (entry: AuditEntry) => void;
  readonly now: () => Date;
}
