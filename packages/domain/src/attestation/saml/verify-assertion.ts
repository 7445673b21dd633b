import { type KeyObject, X509Certificate } from 'node:crypto';
import { base64url } from '@vouchsafe/bytes/base64url';
import { SignedXml } from 'xml-crypto';
import type { Group } from '../../group/group.ts';
import { whyNotInRole } from '../../group/role.ts';
import { type EcJwk, keyOf } from '../../keys/jwk.ts';
import { Problem } from '../../problem.ts';
import { firstRefusal, type Rule } from '../../rules.ts';
import { whyNotWorst } from '../ear.ts';
import { clockLeeway, tokenLifetime } from '../token.ts';
import { EcdsaSha256 } from './ecdsa-sha256.ts';
import { algorithms, attributeName, audienceOf } from './names.ts';
import { only, readShaped, type Shaped } from './shape.ts';
import { coveredAssertion, signedAssertion } from './shapes.ts';

/** What an assertion says; every value was read from the octets that were signed. */
export interface AssertionFacts {
  readonly id: string;
  readonly issuer: string;
  /** `ek:` and the SHA-256 of the EK's SubjectPublicKeyInfo. */
  readonly subject: string;
  /** Key whose possession the presenter must prove. */
  readonly holder: EcJwk;
  readonly audience: string;
  readonly inResponseTo: string;
  readonly recipient: string | undefined;
  /** Seconds since 1970. */
  readonly notBefore: number;
  readonly notOnOrAfter: number;
  /** Values by name of the claim, for instance `host`, `ear.status`. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** What whoever is shown an assertion expects of it. */
export interface Expected {
  /** The group's own when not given; see `audienceOf`. */
  readonly audience?: string;
  readonly recipient?: string;
  readonly inResponseTo?: string;
}

/** An assertion before the group and the expectations that it is shown to. `now` in seconds since 1970. */
export interface PresentedAssertion {
  readonly facts: AssertionFacts;
  readonly signer: X509Certificate;
  readonly group: Group;
  readonly now: number;
  readonly expected: Expected;
}

/** What an assertion is refused for, in the order in which one would argue. */
export const assertionRules: readonly Rule<PresentedAssertion>[] = [
  {
    id: 'saml.signer',
    stops: 'an assertion of an attestd outside the group, or of another part of the group',
    whyNot: ({ signer, group, now }) => whyNotInRole(signer, group, 'attestd', now, clockLeeway),
  },
  {
    id: 'saml.audience',
    stops: 'an assertion that was made for others',
    whyNot: ({ facts: { audience }, group, expected }) =>
      audience === (expected.audience ?? audienceOf(group.id)) ? undefined : `it was made for ${audience}`,
  },
  {
    id: 'saml.expired',
    stops: 'an old assertion',
    whyNot: ({ facts: { notOnOrAfter }, now }) =>
      notOnOrAfter > now - clockLeeway ? undefined : `it expired ${now - notOnOrAfter} s ago: attest again`,
  },
  {
    id: 'saml.future',
    stops: 'an assertion kept for later',
    whyNot: ({ facts: { notBefore }, now }) =>
      notBefore <= now + clockLeeway ? undefined : 'it is from the future: compare the clocks',
  },
  {
    id: 'saml.lifetime',
    stops: 'an assertion that outlives a revocation',
    whyNot: ({ facts: { notBefore, notOnOrAfter } }) =>
      notOnOrAfter - notBefore <= tokenLifetime ? undefined : `it lives longer than ${tokenLifetime} s`,
  },
  {
    id: 'saml.recipient',
    stops: 'an assertion that was made to be shown to somebody else',
    whyNot: ({ facts: { recipient }, expected }) =>
      recipient === expected.recipient ? undefined : `it is for recipient ${recipient ?? 'any'}`,
  },
  {
    id: 'saml.in-response-to',
    stops: 'an assertion that answers another challenge',
    whyNot: ({ facts: { inResponseTo }, expected }) =>
      expected.inResponseTo === undefined || inResponseTo === expected.inResponseTo
        ? undefined
        : `it answers ${inResponseTo}`,
  },
  {
    id: 'saml.ear',
    stops: 'a status that is better than what it was made of',
    whyNot: ({ facts: { attributes } }) => whyNotWorst(attributes['ear.status'], vectorOf(attributes)),
  },
];

/** Largest assertion that is looked at, in characters. */
const limit = 65536;

/**
 * Checks a SAML assertion of this product: one enveloped signature over the whole, by a key that the group CA certified
 * for the role attestd, made for this audience, valid now. The presenter must still prove possession of `holder`.
 *
 * Every element and attribute must stand where it belongs and nothing else may; values come from the canonical octets
 * that were signed, never from the document that was sent.
 *
 * @param now seconds since 1970
 * @throws {Problem} `token.invalid`
 */
export async function verifyAssertion(
  xml: string,
  group: Group,
  now: number,
  expected: Expected = {},
): Promise<AssertionFacts> {
  const read = readAssertion(xml);
  const refusal = await firstRefusal(assertionRules, { ...read, group, now, expected });
  if (refusal !== undefined) throw invalid(refusal.why);
  return read.facts;
}

/** Form and signature of an assertion, whoever signed it. @throws {Problem} `token.invalid` */
export function readAssertion(xml: string): Pick<PresentedAssertion, 'facts' | 'signer'> {
  if (xml.length > limit) throw invalid(`it is longer than ${limit} characters`);
  try {
    const { root, shaped } = readShaped(xml, signedAssertion);
    const signature = only(shaped, 'Signature');
    const { URI } = only(signature, 'SignedInfo', 'Reference').attributes;
    if (URI !== `#${shaped.attributes.ID}`) throw new SyntaxError('Reference: it is not to the assertion itself');
    const signer = certificateOf(only(signature, 'KeyInfo', 'X509Data', 'X509Certificate').text);
    const node = Array.from(root.childNodes)[1];
    const covered = coveredOctets(xml, String(node), signer.publicKey);
    return { facts: factsOf(readShaped(covered, coveredAssertion).shaped), signer };
  } catch (cause) {
    throw invalid((cause as Error).message, cause);
  }
}

/** The canonical octets that the signature covers. @throws {SyntaxError} when it does not hold */
function coveredOctets(xml: string, signature: string, publicKey: KeyObject): string {
  const signed = new SignedXml({ publicCert: publicKey, getCertFromKeyInfo: () => null });
  signed.SignatureAlgorithms = { [algorithms.signature]: EcdsaSha256 };
  signed.loadSignature(signature);
  if (!holds(signed, xml)) throw new SyntaxError('its signature does not hold');
  const [covered, ...more] = signed.getSignedReferences();
  if (covered === undefined || more.length > 0) throw new SyntaxError('its signature covers something else');
  return covered;
}

function holds(signed: SignedXml, xml: string): boolean {
  try {
    return signed.checkSignature(xml);
  } catch {
    return false;
  }
}

function certificateOf(base64: string): X509Certificate {
  const certificate = new X509Certificate(Buffer.from(base64, 'base64'));
  if (certificate.publicKey.asymmetricKeyType !== 'ec') throw new SyntaxError('X509Certificate: expected a P-256 key');
  return certificate;
}

function factsOf(assertion: Shaped): AssertionFacts {
  const subject = only(assertion, 'Subject');
  const confirmation = only(subject, 'SubjectConfirmation', 'SubjectConfirmationData');
  const conditions = only(assertion, 'Conditions');
  const notOnOrAfter = secondsOf(conditions.attributes.NotOnOrAfter);
  if (secondsOf(confirmation.attributes.NotOnOrAfter) !== notOnOrAfter)
    throw new SyntaxError('SubjectConfirmationData: NotOnOrAfter: expected that of the conditions');
  return {
    id: String(assertion.attributes.ID),
    issuer: only(assertion, 'Issuer').text,
    subject: subjectOf(only(subject, 'NameID').text),
    holder: holderOf(only(confirmation, 'KeyInfo', 'KeyValue', 'ECKeyValue', 'PublicKey').text),
    audience: only(conditions, 'AudienceRestriction', 'Audience').text,
    inResponseTo: String(confirmation.attributes.InResponseTo),
    recipient: confirmation.attributes.Recipient,
    notBefore: secondsOf(conditions.attributes.NotBefore),
    notOnOrAfter,
    attributes: attributesOf(only(assertion, 'AttributeStatement').children.Attribute ?? []),
  };
}

function subjectOf(text: string): string {
  if (!/^ek:[0-9a-f]{64}$/.test(text)) throw new SyntaxError('NameID: expected ek: and 64 hexadecimal digits');
  return text;
}

/** XML Signature 1.1, 4.5.2.3.1: 04 ‖ x ‖ y; OpenSSL refuses a point that is not on the curve. */
function holderOf(base64: string): EcJwk {
  const point = Buffer.from(base64, 'base64');
  if (point.length !== 65 || point[0] !== 4) throw new SyntaxError('PublicKey: expected a point on P-256');
  const jwk: EcJwk = {
    kty: 'EC',
    crv: 'P-256',
    x: base64url(point.subarray(1, 33)),
    y: base64url(point.subarray(33)),
  };
  keyOf(jwk, 'PublicKey');
  return jwk;
}

function secondsOf(text: string | undefined): number {
  const parsed = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text ?? '') ? Date.parse(String(text)) : Number.NaN;
  if (Number.isNaN(parsed)) throw new SyntaxError(`${text} is no time in UTC`);
  return parsed / 1000;
}

const prefix = attributeName('');

function attributesOf(attributes: readonly Shaped[]): Record<string, string> {
  const found: Record<string, string> = Object.create(null);
  for (const attribute of attributes) {
    const { Name = '' } = attribute.attributes;
    if (!Name.startsWith(prefix)) throw new SyntaxError(`Attribute: unknown name ${Name}`);
    const name = Name.slice(prefix.length);
    if (Object.hasOwn(found, name)) throw new SyntaxError(`Attribute: ${Name} stands there twice`);
    found[name] = only(attribute, 'AttributeValue').text;
  }
  for (const name of neededAttributes)
    if (!Object.hasOwn(found, name)) throw new SyntaxError(`Attribute: ${name} is missing`);
  return { ...found };
}

const neededAttributes = ['host', 'scope', 'img', 'epoch', 'enrolled', 'eat_nonce', 'ear.status'];
const vectorPrefix = 'ear.trustworthiness-vector.';

const vectorOf = (attributes: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(attributes)
      .filter(([name]) => name.startsWith(vectorPrefix))
      .map(([name, tier]) => [name.slice(vectorPrefix.length), tier]),
  );

const invalid = (why: string, cause?: unknown): Problem =>
  new Problem('token.invalid', `SAML assertion: ${why}`, { cause });
