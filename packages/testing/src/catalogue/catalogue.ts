import type { CatalogueCase } from './case.ts';
import { bootIdentityCases } from './cases/boot-identity.ts';
import { eventLogCases } from './cases/event-log.ts';
import { freshnessCases } from './cases/freshness.ts';
import { keyCases } from './cases/keys.ts';
import { pcrCases } from './cases/pcrs.ts';
import { signatureCases } from './cases/signature.ts';

/** The whole catalogue, in its order. */
export const catalogue: readonly CatalogueCase[] = [
  ...signatureCases,
  ...pcrCases,
  ...freshnessCases,
  ...keyCases,
  ...eventLogCases,
  ...bootIdentityCases,
];
