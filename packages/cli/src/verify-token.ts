import { type Expected, verifyAssertion } from '@vouchsafe/domain/attestation/saml/verify-assertion';
import { verifyToken } from '@vouchsafe/domain/attestation/token';
import { type Group, groupOf } from '@vouchsafe/domain/group/group';
import { thumbprint } from '@vouchsafe/domain/keys/jwk';
import { Problem } from '@vouchsafe/domain/problem';

/** What a token says, whatever its form, after it was found valid. */
export interface VerifiedToken {
  readonly kind: 'JWT' | 'SAML 2.0';
  readonly host: string | undefined;
  readonly scope: string | undefined;
  readonly subject: string;
  readonly image: string | undefined;
  readonly status: string | undefined;
  readonly enrolled: string | undefined;
  readonly policy: string | undefined;
  readonly epoch: string | undefined;
  readonly issuer: string;
  readonly group: string;
  /** ISO 8601. */
  readonly until: string;
  /** Thumbprint (RFC 7638) of the key whose possession the presenter must prove. */
  readonly holder: string;
}

/**
 * Checks a JWT or a SAML assertion against the group with this CA.
 * @throws {Problem} `token.invalid`, `input.malformed` for the CA, `input.invalid` for the time
 */
export async function verifyTokenFile(
  content: string,
  { ca, at, expected }: { readonly ca: string; readonly at: string | undefined; readonly expected: Expected },
): Promise<VerifiedToken> {
  const [text, group, now] = [content.trim(), groupOf(ca), secondsOf(at)];
  return text.startsWith('<') ? await assertion(text, group, now, expected) : await jwt(text, group, now);
}

function secondsOf(at: string | undefined): number {
  const time = at === undefined ? Date.now() : Date.parse(at);
  if (Number.isNaN(time)) throw new Problem('input.invalid', `--at: expected a time in ISO 8601, found ${at}`);
  return Math.floor(time / 1000);
}

async function jwt(text: string, group: Group, now: number): Promise<VerifiedToken> {
  const { host, scope, sub, img, submods, enrolled, policy, epoch, iss, exp, cnf } = await verifyToken(
    text,
    group,
    now,
  );
  return {
    kind: 'JWT',
    host,
    scope,
    subject: sub,
    image: img,
    status: submods.host['ear.status'],
    enrolled,
    policy,
    epoch: String(epoch),
    issuer: iss,
    group: group.id,
    until: iso(exp),
    holder: cnf.jkt,
  };
}

async function assertion(text: string, group: Group, now: number, expected: Expected): Promise<VerifiedToken> {
  const { subject, issuer, notOnOrAfter, holder, attributes } = await verifyAssertion(text, group, now, expected);
  const { host, scope, img, enrolled, policy, epoch } = attributes;
  return {
    kind: 'SAML 2.0',
    host,
    scope,
    subject,
    image: img,
    status: attributes['ear.status'],
    enrolled,
    policy,
    epoch,
    issuer,
    group: group.id,
    until: iso(notOnOrAfter),
    holder: thumbprint(holder),
  };
}

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();
