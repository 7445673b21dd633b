import { TpmSettings } from '@vouchsafe/domain/attestation/policy';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import type { AttestdContext } from './context.ts';

/** The settings of TPM trust. */
export const settings = ({ configuration, ...context }: AttestdContext): Operation[] => [
  query(
    {
      name: 'attestation.tpm2.settings.get',
      method: 'GET',
      path: '/attestation/tpm2/settings',
      grant: 'READ_ONLY',
      summary: 'Show what is asked of a TPM',
    },
    () => configuration.settings(),
  ),
  operation(
    {
      name: 'attestation.tpm2.settings.update',
      method: 'PATCH',
      path: '/attestation/tpm2/settings',
      grant: 'SECURITY_MGMT',
      summary: 'Change what is asked of a TPM',
      body: Type.Partial(TpmSettings, { additionalProperties: false }),
    },
    (change) => {
      const next = { ...configuration.settings(), ...change };
      const entry = changed('config.change', 'tpm-settings', 'settings', change);
      recorded(context, entry, () => configuration.setSettings(next));
      return next;
    },
  ),
];
