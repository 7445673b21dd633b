import type { BootRecord } from '@vouchsafe/domain/attestation/boot-record';
import { Problem } from '@vouchsafe/domain/problem';
import { type Operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import type { RegistryContext } from './context.ts';

const path = '/attestation/tpm2/endorsement-keys/:ek/boots';

/** What TPMs said of their starts and clocks, which later quotes are compared with. */
export const boots = ({ boots, ...context }: RegistryContext): Operation[] => [
  query(
    {
      name: 'attestation.tpm2.endorsement-keys.boots.get',
      method: 'GET',
      path,
      grant: 'READ_ONLY',
      summary: 'Show what the TPM of an endorsement key said last of its starts and its clock',
    },
    ({ params: { ek = '' } }) => known(boots.of(ek), ek),
  ),
  query(
    {
      name: 'attestation.tpm2.endorsement-keys.boots.delete',
      method: 'DELETE',
      path,
      grant: 'SECURITY_MGMT',
      summary: 'Forget it, after the TPM was cleared or its state restored on purpose',
    },
    ({ params: { ek = '' } }) => {
      known(boots.of(ek), ek);
      boots.forget(ek, (change) => recorded(context, changed('host.forget-boots', 'ek', ek), change));
    },
  ),
];

function known(records: readonly BootRecord[], ek: string): readonly BootRecord[] {
  if (records.length === 0) throw new Problem('object.unknown', `endorsement key ${ek} has not attested here`);
  return records;
}
