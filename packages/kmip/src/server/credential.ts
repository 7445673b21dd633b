import type { Credential } from '../message.ts';
import type { ValueOf } from '../ttlv/item.ts';
import { secretText, text } from '../ttlv/scalars.ts';
import { optional, structure } from '../ttlv/structure.ts';

/** KMIP 1.4, 2.1.2, table 4. */
export const UsernameAndPassword = structure('Credential Value', {
  username: text('Username', 1024),
  password: optional(secretText('Password')),
});

/**
 * Why a credential is refused; nothing when it is well formed. A credential is not looked at otherwise: the client is
 * who its certificate says, and a credential must never make it more.
 */
export function credentialFault(credential: ValueOf<typeof Credential>): string | undefined {
  if (credential.type !== 'Username and Password') return `Credential Type ${credential.type} is not accepted here`;
  credential.value.as(UsernameAndPassword).password?.[Symbol.dispose]();
  return undefined;
}
