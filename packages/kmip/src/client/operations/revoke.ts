import type { revocationReasonCode } from '../../enums.ts';
import { revoke as operation } from '../../operations/revoke.ts';
import type { Cluster } from '../cluster.ts';
import type { CallOptions } from '../options.ts';
import { confirmState } from './confirm.ts';
import { expectId } from './expect.ts';

/** Why a key is given up. */
export interface Revocation {
  readonly code: keyof typeof revocationReasonCode;
  readonly message?: string;
  /** Required by the standard when the code says that the key or its authority was compromised. */
  readonly compromisedAt?: Date;
}

/** Deactivates a key, or marks it Compromised. */
export const revoke =
  (cluster: Cluster) =>
  async (id: string, { code, message, compromisedAt }: Revocation, options: CallOptions = {}): Promise<void> => {
    const deadline = cluster.deadline(options);
    const compromised = code === 'Key Compromise' || code === 'CA Compromise';
    const confirm = confirmState(
      cluster,
      id,
      deadline,
      compromised ? ['Compromised', 'Destroyed Compromised'] : ['Deactivated', 'Compromised'],
    );
    const request = { id, reason: { code, message }, compromisedAt };
    const answer = await cluster.send(operation, request, { id, deadline, confirm });
    expectId('Revoke', id, answer.id);
  };
