import type { Operation } from '../../management/operation.ts';
import { rawConfig } from '../../management/raw-config.ts';
import { baseImages } from './base-images.ts';
import { bootRuleOperations } from './boot-rules.ts';
import { boots } from './boots.ts';
import { caCertificates } from './ca-certificates.ts';
import { compositions } from './compositions.ts';
import type { AttestdContext } from './context.ts';
import { crls } from './crls.ts';
import { explanations } from './explanations.ts';
import { imaLists } from './ima-lists.ts';
import { imaPolicy } from './ima-policy.ts';
import { imageSigners } from './image-signers.ts';
import { intermediates } from './intermediates.ts';
import { keptEvidence } from './kept-evidence.ts';
import { minimums } from './minimums.ts';
import { registry } from './registry.ts';
import { settings } from './settings.ts';
import { status } from './status.ts';

/** The management API of attestd. */
export const attestdOperations = (context: AttestdContext): Operation[] => [
  ...caCertificates(context),
  ...intermediates(context),
  ...crls(context),
  ...registry(context),
  ...boots(context),
  ...settings(context),
  ...baseImages(context),
  ...keptEvidence(context),
  ...imaLists(context),
  ...imaPolicy(context),
  ...compositions(context),
  ...minimums(context),
  ...bootRuleOperations(context),
  ...explanations(context),
  ...imageSigners(context),
  ...status(context),
  ...rawConfig('attestation', context, (change) => context.configuration.takeOver(change)),
];
