import { type Operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import { linkView } from '../trust/views.ts';
import type { AttestdContext } from './context.ts';

/** Intermediates of TPM makers: links between EK certificates and roots, trusted for nothing by themselves. */
export const intermediates = ({ configuration, ...context }: AttestdContext): Operation[] => [
  query(
    {
      name: 'attestation.tpm2.intermediates.list',
      method: 'GET',
      path: '/attestation/tpm2/intermediates',
      grant: 'READ_ONLY',
      summary: 'List the known intermediates of TPM makers',
    },
    () => configuration.trust.intermediates().map(linkView),
  ),
  query(
    {
      name: 'attestation.tpm2.intermediates.delete',
      method: 'DELETE',
      path: '/attestation/tpm2/intermediates/:fingerprint',
      grant: 'SECURITY_MGMT',
      summary: 'Forget an intermediate',
    },
    ({ params: { fingerprint = '' } }) => {
      const entry = changed('config.change', 'tpm-intermediate', fingerprint, { deleted: true });
      recorded(context, entry, () => configuration.trust.deleteIntermediate(fingerprint));
    },
  ),
];
