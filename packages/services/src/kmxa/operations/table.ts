import type { Operation } from '../../management/operation.ts';
import { rawConfig } from '../../management/raw-config.ts';
import { attestationOperations } from './attestation.ts';
import type { KmxaContext } from './context.ts';
import { imageCapture } from './image-capture.ts';
import { providerOperations } from './providers.ts';
import { serviceOperations } from './services.ts';
import { vmOperations } from './vms.ts';

/** The management API of kmxa. */
export const kmxaOperations = (context: KmxaContext): Operation[] => [
  ...serviceOperations(context),
  ...attestationOperations(context),
  ...imageCapture(context),
  ...providerOperations(context),
  ...vmOperations(context),
  ...rawConfig('trusted-infrastructure', context, (change) => context.configuration.takeOver(change)),
];
