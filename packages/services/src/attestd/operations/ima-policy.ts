import { ImaSettings } from '@vouchsafe/domain/attestation/ima-policy';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import type { ConfigurationContext } from './context.ts';

const Update = Type.Partial(ImaSettings, { additionalProperties: false });

/** What holds for the IMA logs of all hosts. */
export const imaPolicy = ({ configuration, ...context }: Omit<ConfigurationContext, 'now'>): Operation[] => [
  query(
    {
      name: 'attestation.ima.policy.get',
      method: 'GET',
      path: '/attestation/ima/policy',
      grant: 'READ_ONLY',
      summary: 'Show excludes, keys and rules for violations, kexec and buffers',
    },
    () => configuration.ima.settings(),
  ),
  operation(
    {
      name: 'attestation.ima.policy.update',
      method: 'PATCH',
      path: '/attestation/ima/policy',
      grant: 'SECURITY_MGMT',
      summary: 'Change some of them; an exclude that matches programs or configuration is refused',
      body: Update,
      bodyLimit: 2 * 1024 * 1024,
    },
    (update) => {
      const settings = { ...configuration.ima.settings(), ...update };
      const detail = { ...update, ...(update.keys && { keys: update.keys.length }) };
      recorded(context, changed('config.change', 'ima-policy', 'settings', detail), () =>
        configuration.ima.setSettings(settings),
      );
      return settings;
    },
  ),
];
