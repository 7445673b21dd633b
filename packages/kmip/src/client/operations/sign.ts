import type { CryptographicParameters } from '../../cryptographic-parameters.ts';
import { KmipError } from '../../error.ts';
import { sign as operation } from '../../operations/sign.ts';
import type { Cluster } from '../cluster.ts';
import type { CallOptions } from '../options.ts';
import { expectId } from './expect.ts';

/** Has the server sign with a private key that stays there. */
export const sign =
  (cluster: Cluster) =>
  async (
    id: string,
    data: Uint8Array,
    parameters: CryptographicParameters,
    options: CallOptions = {},
  ): Promise<Uint8Array> => {
    const how = { id, deadline: cluster.deadline(options) };
    const answer = await cluster.send(operation, { id, parameters, data }, how);
    expectId('Sign', id, answer.id);
    if (answer.signature === undefined || answer.signature.length === 0)
      throw new KmipError('answer.invalid', 'Sign: no signature came');
    return answer.signature;
  };
