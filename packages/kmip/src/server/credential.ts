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
 * Why a credential is refused; nothing when it may stand there. The client is who its certificate says: a credential may
 * be of no other user than it has, and never makes it more. Passwords are not looked at.
 *
 * @param mayBe whether the client may call itself this user
 */
export function credentialFault(
  credential: ValueOf<typeof Credential>,
  mayBe: (username: string) => boolean,
): string | undefined {
  if (credential.type !== 'Username and Password') return `Credential Type ${credential.type} is not accepted here`;
  const { username, password } = credential.value.as(UsernameAndPassword);
  password?.[Symbol.dispose]();
  return mayBe(username) ? undefined : 'this user name is not one of this client';
}
