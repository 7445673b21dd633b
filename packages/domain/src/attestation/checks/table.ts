import type { Check } from '../appraisal.ts';
import { agentMeasured } from './agent-measured.ts';
import { akAttributes } from './ak-attributes.ts';
import { akHierarchy } from './ak-hierarchy.ts';
import { akShared } from './ak-shared.ts';
import { bootComplete } from './boot-complete.ts';
import { bootRulesCheck } from './boot-rules.ts';
import { challengeOnce } from './challenge-once.ts';
import { claimKeys } from './claim-keys.ts';
import { clock } from './clock.ts';
import { ekCertificate } from './ek-certificate.ts';
import { ekTemplate } from './ek-template.ts';
import { eventLogBanks } from './event-log-banks.ts';
import { eventLogFacts } from './event-log-facts.ts';
import { eventLogReplay } from './event-log-replay.ts';
import { evidenceHeld } from './evidence-held.ts';
import { groupPin } from './group-pin.ts';
import { hostEnrolled } from './host-enrolled.ts';
import { imaBootAggregate } from './ima-boot-aggregate.ts';
import { imaFiles } from './ima-files.ts';
import { imaReplay } from './ima-replay.ts';
import { imageMatch } from './image-match.ts';
import { imageMinimum } from './image-minimum.ts';
import { keyStrength } from './key-strength.ts';
import { quoteDigest } from './quote-digest.ts';
import { quoteExtraData } from './quote-extra-data.ts';
import { quoteMagic } from './quote-magic.ts';
import { quoteSelection } from './quote-selection.ts';
import { quoteSignature } from './quote-signature.ts';
import { quoteType } from './quote-type.ts';
import { tpmFirmware } from './tpm-firmware.ts';

/** What must be proven before a boot of a golden host is confirmed. */
export const neededOfCapture = ['claims', 'tpm', 'pcrs', 'log'] as const;

/** The checks of an appraisal in the order in which one would argue: first that it is a quote of this TPM for us. */
export const attestationChecks: readonly Check[] = [
  akAttributes,
  quoteSignature,
  quoteMagic,
  quoteType,
  quoteExtraData,
  evidenceHeld,
  challengeOnce,
  claimKeys,
  ekTemplate,
  keyStrength,
  ekCertificate,
  hostEnrolled,
  akShared,
  groupPin,
  quoteSelection,
  quoteDigest,
  akHierarchy,
  clock,
  tpmFirmware,
  eventLogReplay,
  eventLogBanks,
  bootComplete,
  eventLogFacts,
  imaReplay,
  imaBootAggregate,
  imageMatch,
  imageMinimum,
  bootRulesCheck,
  // Which files a host may execute, its image says.
  imaFiles,
  agentMeasured,
];

/**
 * The checks of a boot that is captured: all up to the boot, so that a genuine TPM vouches for this log now. Whether the
 * host is ours and its software trusted is for those to say who import the image.
 */
export const captureChecks: readonly Check[] = attestationChecks
  .slice(0, attestationChecks.indexOf(bootComplete) + 1)
  .filter((check) => check !== hostEnrolled);
