import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import type { AttestationConfiguration } from '../configuration.ts';
import type { EvidenceKeeper } from '../evidence-keeper.ts';
import type { Act } from '../registry/approval.ts';

/** What the management operations of attestd work on. */
export interface AttestdContext {
  readonly configuration: AttestationConfiguration;
  readonly evidence: EvidenceKeeper;
  readonly store: ConfigStore;
  /** Records a change of configuration; throws when it cannot. */
  readonly audit: (...entries: AuditEntry[]) => void;
  readonly now: () => Date;
}

/** What those on the host registry work on. */
export type RegistryContext = Pick<AttestdContext, 'configuration' | 'store' | 'audit' | 'now'>;

/** Who changes the registry through the local administrator's socket, and when. */
export const actOf = ({ now }: Pick<AttestdContext, 'now'>): Act => ({ by: 'local-root', since: now().toISOString() });
