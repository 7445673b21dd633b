import { sized, struct, u16 } from '@vouchsafe/bytes/codec';
import { Secret } from '@vouchsafe/bytes/secret';
import { type Authorization, password } from '../authorization.ts';
import { command } from '../command.ts';
import { hierarchy } from '../entity.ts';
import type { Credential } from '../make-credential.ts';
import { decodePublic, Tpm2bDigest } from '../public.ts';
import type { Tpm } from '../tpm.ts';
import { policySecret } from './policy-secret.ts';
import type { TpmObject } from './read-public.ts';
import { startAuthSession, Tpm2bEncryptedSecret } from './start-auth-session.ts';

/** Part 3, 12.5 TPM2_ActivateCredential */
export const ActivateCredential = command({
  name: 'TPM2_ActivateCredential',
  code: 0x147,
  handles: ['@activateHandle', '@keyHandle'],
  parameters: struct('TPM2_ActivateCredential', {
    credentialBlob: sized('TPM2B_ID_OBJECT', u16, 256),
    secret: Tpm2bEncryptedSecret,
  }),
  results: struct('TPM2_ActivateCredential', { certInfo: Tpm2bDigest }),
});

/** Who authorizes the use of the two keys; empty authorization values when absent. */
export interface ActivationAuths {
  readonly ak?: Authorization;
  /** Of the endorsement hierarchy, for EKs that are used by policy (low range templates). */
  readonly endorsement?: Authorization;
}

/**
 * Opens a credential: proves that both keys are in this TPM. An EK of a low range template is used by
 * PolicySecret(endorsement) (EK Credential Profile, B.6), one with userWithAuth by its empty authorization value. The
 * session is salted to the EK and conceals the answer (Part 1, 21), so whoever listens on the bus of a discrete TPM
 * does not learn the secret.
 * @returns the secret of the credential
 * @throws {TpmResponseError} when the credential is not for these keys (TPM_RC_INTEGRITY, TPM_RC_VALUE)
 */
export async function activateCredential(
  tpm: Tpm,
  ak: TpmObject,
  ek: TpmObject,
  { credentialBlob, encryptedSecret }: Credential,
  auths: ActivationAuths = {},
): Promise<Secret> {
  const { ak: akAuth = password(), endorsement = password() } = auths;
  const { objectAttributes, nameAlg } = decodePublic(ek.publicArea);
  const byValue = objectAttributes.userWithAuth;
  const hash = nameAlg === 'null' ? 'sha256' : nameAlg;
  await using session = await startAuthSession(tpm, { type: byValue ? 'hmac' : 'policy', hash, saltKey: ek });
  if (!byValue) await policySecret(tpm, session, hierarchy('endorsement'), [endorsement]);
  const concealed = session.use({ encryptResponse: true });
  const parameters = { credentialBlob, secret: encryptedSecret };
  const { results } = await tpm.run(ActivateCredential, parameters, [ak, ek], [akAuth, concealed]);
  return Secret.take(results.certInfo);
}
