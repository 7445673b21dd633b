import { allocatedPcrs } from '@vouchsafe/tpm2/commands/get-capability';
import type { Tpm } from '@vouchsafe/tpm2/tpm';

/** The banks of PCRs that a TPM has switched on: what was measured into any of them is to be told. */
export const activeBanks = async (tpm: Tpm): Promise<string[]> =>
  (await allocatedPcrs(tpm)).filter(({ pcrSelect }) => pcrSelect.length > 0).map(({ hash }) => hash);
