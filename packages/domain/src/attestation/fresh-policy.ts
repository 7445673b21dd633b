import type { Group } from '../group/group.ts';
import { defaultBootRules } from './boot-rules.ts';
import { noCompositions } from './composition.ts';
import { noImaPolicy } from './ima-policy.ts';
import { defaultMinimums } from './minimums.ts';
import { type AttestationPolicy, defaultTpmSettings } from './policy.ts';
import { noTpmTrust } from './tpm-trust.ts';

/** The policy of an Attestation Service that nobody has configured: it trusts nothing. */
export const freshPolicy = (group: Group): AttestationPolicy => ({
  group,
  settings: defaultTpmSettings,
  trust: noTpmTrust,
  images: [],
  compositions: noCompositions,
  minimums: defaultMinimums,
  rules: defaultBootRules,
  ima: noImaPolicy,
  epoch: 0,
});
