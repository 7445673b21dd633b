import type { Operation } from '../../management/operation.ts';
import { acknowledgementOperations } from './acknowledgements.ts';
import type { GroupContext } from './context.ts';
import { groupStatus } from './group-status.ts';
import { joinOperations } from './joining.ts';
import { memberOperations } from './members.ts';

/** The management API about the group, on Trust Authority hosts. */
export const groupOperations = (context: GroupContext): Operation[] => [
  ...memberOperations(context),
  ...groupStatus(context),
  ...acknowledgementOperations(context),
  ...joinOperations(context),
];
