import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import { ReleaseLimits } from '../release-limits.ts';
import type { KmxdContext } from './context.ts';

const Change = Type.Partial(ReleaseLimits, { additionalProperties: false });

/** What one host may ask for. */
export const limitOperations = ({ providers, limits, ...context }: KmxdContext): Operation[] => [
  query(
    {
      name: 'kms.limits.get',
      method: 'GET',
      path: '/kms/limits',
      grant: 'READ_ONLY',
      summary: 'Show how many keys one host may ask for',
    },
    () => providers.limits(),
  ),
  operation(
    {
      name: 'kms.limits.update',
      method: 'PATCH',
      path: '/kms/limits',
      grant: 'SECURITY_MGMT',
      summary: 'Change how many keys one host may ask for, and what happens to one that asks for more',
      body: Change,
    },
    (change) => {
      const next = { ...providers.limits(), ...change };
      recorded(context, changed('config.change', 'limits', 'release', change), () => providers.putLimits(next));
      limits.reset();
      return next;
    },
  ),
];
