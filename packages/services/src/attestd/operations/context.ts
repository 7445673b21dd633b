import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import type { Group } from '@vouchsafe/domain/group/group';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import type { BootHistories } from '../boot-histories.ts';
import type { AttestationConfiguration } from '../configuration.ts';
import type { EvidenceKeeper } from '../evidence-keeper.ts';
import type { ImageSightings } from '../image-sightings.ts';
import type { LastVerdicts } from '../last-verdicts.ts';
import type { Act } from '../registry/approval.ts';

/** What operations on the configuration work on. */
export interface ConfigurationContext {
  readonly configuration: AttestationConfiguration;
  readonly store: ConfigStore;
  /** Records a change of configuration; throws when it cannot. */
  readonly audit: (...entries: AuditEntry[]) => void;
  readonly now: () => Date;
}

/** What the management operations of attestd work on. */
export interface AttestdContext extends ConfigurationContext {
  readonly group: Group;
  readonly evidence: EvidenceKeeper;
  readonly boots: BootHistories;
  /** The last verdict about each host. */
  readonly verdicts: Pick<LastVerdicts, 'of' | 'bootOf'>;
  /** Which hosts have which image. */
  readonly sightings: Pick<ImageSightings, 'of'>;
}

/** What those on the host registry work on. */
export type RegistryContext = ConfigurationContext & Pick<AttestdContext, 'boots'>;

/** Who changes the registry through the local administrator's socket, and when. */
export const actOf = ({ now }: Pick<AttestdContext, 'now'>): Act => ({ by: 'local-root', since: now().toISOString() });
