import type { CatalogueCase } from './case.ts';
import { bootIdentityCases } from './cases/boot-identity.ts';
import { certificateCases } from './cases/certificates.ts';
import { designCases } from './cases/design.ts';
import { eventLogCases } from './cases/event-log.ts';
import { freshnessCases } from './cases/freshness.ts';
import { keyCases } from './cases/keys.ts';
import { operationCases } from './cases/operation.ts';
import { pcrCases } from './cases/pcrs.ts';
import { policyCases } from './cases/policy.ts';
import { releaseCases } from './cases/release.ts';
import { signatureCases } from './cases/signature.ts';
import { tokenCases } from './cases/tokens.ts';

/** The whole catalogue, in its order. */
export const catalogue: readonly CatalogueCase[] = [
  ...signatureCases,
  ...pcrCases,
  ...freshnessCases,
  ...keyCases,
  ...certificateCases,
  ...eventLogCases,
  ...bootIdentityCases,
  ...policyCases,
  ...tokenCases,
  ...releaseCases,
  ...operationCases,
  ...designCases,
];
