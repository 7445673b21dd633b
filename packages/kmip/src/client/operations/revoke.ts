import type { revocationReasonCode } from '../../enums.ts';
import { revoke as operation } from '../../operations/revoke.ts';
import type { Send } from '../send.ts';
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
  (send: Send) =>
  async (id: string, { code, message, compromisedAt }: Revocation): Promise<void> => {
    const answer = await send(operation, {
      id,
      reason: { code, message },
      compromisedAt: compromisedAt,
    });
    expectId('Revoke', id, answer.id);
  };
