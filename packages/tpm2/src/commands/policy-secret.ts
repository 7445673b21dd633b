import { sized, struct, u16, u32 } from '@vouchsafe/bytes/codec';
import type { Authorization } from '../authorization.ts';
import { command } from '../command.ts';
import type { Entity } from '../entity.ts';
import { Tpm2bDigest } from '../public.ts';
import type { Session } from '../session.ts';
import type { Tpm } from '../tpm.ts';

/** Part 3, 23.4 TPM2_PolicySecret */
export const PolicySecret = command({
  name: 'TPM2_PolicySecret',
  code: 0x151,
  handles: ['@authHandle', 'policySession'],
  parameters: struct('TPM2_PolicySecret', {
    nonceTPM: Tpm2bDigest,
    cpHashA: Tpm2bDigest,
    policyRef: Tpm2bDigest,
    expiration: u32,
  }),
  results: struct('TPM2_PolicySecret', {
    timeout: sized('TPM2B_TIMEOUT', u16, 8),
    policyTicket: struct('TPMT_TK_AUTH', { tag: u16, hierarchy: u32, digest: Tpm2bDigest }),
  }),
});

const empty = new Uint8Array();

/** Makes the authorization of `entity` part of a policy session. */
export async function policySecret(
  tpm: Tpm,
  session: Session,
  entity: Entity,
  auths: readonly Authorization[] = [],
): Promise<void> {
  const parameters = { nonceTPM: empty, cpHashA: empty, policyRef: empty, expiration: 0 };
  await tpm.run(PolicySecret, parameters, [entity, session.entity], auths);
}
