import type { Operation } from '../../management/operation.ts';
import { rawConfig } from '../../management/raw-config.ts';
import { certificateOperations } from './certificates.ts';
import type { KmxdContext } from './context.ts';
import { limitOperations } from './limits.ts';
import { primaryKeyOperations } from './primary-keys.ts';
import { providerOperations } from './providers.ts';
import { statusOperations } from './status.ts';

/** The management API of kmxd. */
export const kmxdOperations = (context: KmxdContext): Operation[] => [
  ...providerOperations(context),
  ...primaryKeyOperations(context),
  ...certificateOperations(context),
  ...statusOperations(context),
  ...limitOperations(context),
  ...rawConfig('kms', context, (change) => context.providers.takeOver(change)),
];
