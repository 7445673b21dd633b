import { createHash } from 'node:crypto';
import { base64url } from '@vouchsafe/bytes/base64url';
import { thumbprint } from '../keys/jwk.ts';
import type { Appraisal } from './appraisal.ts';
import type { Coverage } from './base-image.ts';
import { worstOf } from './ear.ts';
import { policyDigest } from './policy-digest.ts';
import { type Tier, type TokenClaims, tokenLifetime } from './token.ts';

/** What the token of a trusted appraisal says; all of it was proven by the checks. */
export function tokenClaims(
  appraisal: Appraisal,
  { instance, now, jti }: { instance: string; now: number; jti: string },
): TokenClaims {
  const [claims, host, image] = [appraisal.get('claims'), appraisal.get('host'), appraisal.get('image')];
  const { nonce, ek, epoch } = appraisal.input.challenge;
  const policy = policyDigest(appraisal.input.policy);
  const vector = trustworthiness(image.covers, appraisal.get('tpm') === 'virtual');
  return {
    iss: instance,
    sub: `ek:${ek}`,
    aud: appraisal.input.policy.group.id,
    iat: now,
    exp: now + tokenLifetime,
    jti,
    eat_profile: 'tag:github.com,2023:veraison/ear',
    eat_nonce: base64url(createHash('sha256').update(nonce).digest()),
    'ear.verifier-id': { developer: 'vouchsafe', build: 'attestd' },
    submods: {
      host: {
        'ear.status': worstOf(vector),
        'ear.trustworthiness-vector': vector,
        'ear.appraisal-policy-id': `image:${image.name};policy:${policy}`,
      },
    },
    cnf: { jkt: thumbprint(claims.sig) },
    rel: claims.enc,
    ...(claims.mig === undefined ? {} : { mig: claims.mig }),
    scope: host.scope,
    host: host.name,
    epoch,
    img: image.name,
    enrolled: host.enrolled,
    policy,
  };
}

/** Only what the image covers is affirmed. */
function trustworthiness(covers: Coverage, virtual: boolean) {
  const userspace: Tier = covers.userspace === 'none' ? 'warning' : 'affirming';
  const boot: Tier = covers.kernel && covers.cmdline && covers.initrd ? 'affirming' : 'warning';
  return {
    'instance-identity': 'affirming',
    configuration: boot,
    executables: userspace,
    'file-system': userspace,
    hardware: virtual ? 'warning' : 'affirming',
  } as const satisfies Record<string, Tier>;
}
