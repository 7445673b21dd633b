import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { makeCredential } from '@vouchsafe/tpm2/make-credential';
import { nameOf } from '@vouchsafe/tpm2/name';
import { Problem } from '../problem.ts';
import type { Challenge } from './challenge.ts';
import { ekHash } from './ek.ts';
import { type ChallengeAnswer, type ChallengeRequest, type OtherBank, otherBanks } from './messages.ts';
import { quotedPcrs } from './policy.ts';

/** What a challenge takes from its maker: randomness, policy epoch and time. */
export type ChallengeSeed = Pick<Challenge, 'nonce' | 'secret' | 'epoch' | 'exp' | 'jti'>;

/** A challenge as it is sealed, and what the host is told of it. */
export interface NewChallenge {
  readonly challenge: Challenge;
  readonly told: Omit<ChallengeAnswer, 'challenge'>;
}

/**
 * The challenge for a host: only the TPM that holds this EK, with this AK beside it, learns the secret.
 * @throws {Problem} `input.invalid`, `input.malformed` naming the field
 */
export function newChallenge(request: ChallengeRequest, seed: ChallengeSeed): NewChallenge {
  if (!request.banks.includes('sha256')) throw new Problem('input.invalid', 'banks: expected sha256 among them');
  const [ekPublic, ak] = [octets('ek.public', request.ek.public), octets('ak', request.ak)];
  const { credentialBlob, encryptedSecret, ek } = credentialFor(ekPublic, ak, seed.secret);
  const pcrs = [...quotedPcrs];
  const banks = otherBanksOf(request);
  return {
    challenge: { ...seed, ek, ekPublic, ak, bank: 'sha256', pcrs, ...banks },
    told: {
      nonce: base64url(seed.nonce),
      credential_blob: base64url(credentialBlob),
      encrypted_secret: base64url(encryptedSecret),
      bank: 'sha256',
      pcrs,
      ...banks,
      expires: seed.exp,
    },
  };
}

/** Banks that the TPM has beside SHA-256; hosts that offer none are older and would not understand being told. */
function otherBanksOf({ banks }: ChallengeRequest): { readonly banks?: OtherBank[] } {
  const wanted = (Object.keys(otherBanks) as OtherBank[]).filter((bank) => banks.includes(bank));
  return wanted.length === 0 ? {} : { banks: wanted };
}

function credentialFor(ekPublic: Uint8Array, ak: Uint8Array, secret: Uint8Array) {
  try {
    // The Name is computed here from the AK's public area, never taken from the request.
    return { ...makeCredential(ekPublic, nameOf(ak), secret), ek: ekHash(ekPublic) };
  } catch (cause) {
    throw new Problem('input.invalid', `ek or ak: ${(cause as Error).message}`, { cause });
  }
}

function octets(field: string, text: string): Uint8Array {
  try {
    return fromBase64url(text);
  } catch (cause) {
    throw new Problem('input.malformed', `${field}: ${(cause as Error).message}`, { cause });
  }
}
