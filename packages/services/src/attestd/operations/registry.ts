import type { Operation } from '../../management/operation.ts';
import { approvals } from './approvals.ts';
import type { RegistryContext } from './context.ts';
import { endorsementKeys } from './endorsement-keys.ts';
import { firmwareBlocklist } from './firmware-blocklist.ts';
import { hosts } from './hosts.ts';
import { pendingTpms } from './pending-tpms.ts';

/** The host registry: hosts, their endorsement keys, and those who would like to be hosts; and firmware that none may have. */
export const registry = (context: RegistryContext): Operation[] => [
  ...endorsementKeys(context),
  ...pendingTpms(context),
  ...approvals(context),
  ...hosts(context),
  ...firmwareBlocklist(context),
];
