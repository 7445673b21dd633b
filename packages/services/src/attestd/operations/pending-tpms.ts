import { Problem } from '@vouchsafe/domain/problem';
import { type Operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import type { RegistryContext } from './context.ts';

/** Genuine TPMs that asked to be attested and that nobody approved. */
export const pendingTpms = ({ configuration, ...context }: RegistryContext): Operation[] => [
  query(
    {
      name: 'attestation.tpm2.endorsement-keys.pending',
      method: 'GET',
      path: '/attestation/tpm2/endorsement-keys/pending',
      grant: 'READ_ONLY',
      summary: 'List genuine TPMs that wait for approval',
    },
    () => configuration.registry.pending(),
  ),
  query(
    {
      name: 'attestation.tpm2.endorsement-keys.dismiss',
      method: 'DELETE',
      path: '/attestation/tpm2/endorsement-keys/pending/:ek',
      grant: 'SECURITY_MGMT',
      summary: 'Take a TPM off the list of those that wait; it comes back when it asks again',
    },
    ({ params: { ek = '' } }) => {
      if (configuration.registry.pendingOf(ek) === undefined)
        throw new Problem('object.unknown', `pending endorsement key ${ek}`);
      recorded(context, changed('host.dismiss', 'ek', ek), () => configuration.registry.dropPending(ek));
    },
  ),
];
