import type { KeyObject, X509Certificate } from 'node:crypto';
import { fromBase64url } from '@vouchsafe/bytes/base64url';
import { SignedXml } from 'xml-crypto';
import type { EcJwk } from '../../keys/jwk.ts';
import type { TokenClaims } from '../token.ts';
import { EcdsaSha256 } from './ecdsa-sha256.ts';
import {
  algorithms,
  attributeName,
  audienceOf,
  holderOfKey,
  namedCurve,
  nameFormats,
  namespaces,
  uriName,
} from './names.ts';

/** What an assertion takes beside the claims of the token that says the same. */
export interface AssertionOrder {
  readonly claims: TokenClaims;
  /** Key of the host's session; `claims.cnf.jkt` is its thumbprint. */
  readonly holder: EcJwk;
  /** Entity that alone may be shown the assertion. */
  readonly recipient?: string;
}

/**
 * A signed SAML 2.0 holder-of-key assertion (SAML Core 2.0; SAML Holder-of-Key Assertion Profile 1.0) with the facts of
 * an attestation token, for parties that speak no JWT. Its lifetime, audience and subject are those of the token.
 *
 * @returns XML in UTF-8 without declaration, document type, comments or white space between elements
 */
export function signAssertion(key: KeyObject, certificate: X509Certificate, order: AssertionOrder): string {
  const signed = new SignedXml({
    privateKey: key,
    signatureAlgorithm: algorithms.signature,
    canonicalizationAlgorithm: algorithms.canonicalization,
    getKeyInfoContent: () =>
      `<ds:X509Data><ds:X509Certificate>${certificate.raw.toString('base64')}</ds:X509Certificate></ds:X509Data>`,
  });
  signed.SignatureAlgorithms = { [algorithms.signature]: EcdsaSha256 };
  signed.addReference({
    xpath: '/*',
    transforms: [algorithms.enveloped, algorithms.canonicalization],
    digestAlgorithm: algorithms.digest,
  });
  // SAML Core 2.0, 2.3.3: the signature stands behind the issuer.
  const location = { reference: "/*/*[local-name()='Issuer']", action: 'after' } as const;
  signed.computeSignature(assertionXml(order), { prefix: 'ds', location });
  return signed.getSignedXml();
}

function assertionXml({ claims, holder, recipient }: AssertionOrder): string {
  const { iss, sub, aud, iat, exp, jti, eat_nonce } = claims;
  return element(
    'saml:Assertion',
    {
      'xmlns:saml': namespaces.saml,
      ID: `_${jti}`,
      Version: '2.0',
      IssueInstant: moment(iat),
    },
    element('saml:Issuer', { Format: nameFormats.issuer }, escaped(iss)),
    element(
      'saml:Subject',
      {},
      element('saml:NameID', { Format: nameFormats.subject }, escaped(sub)),
      element(
        'saml:SubjectConfirmation',
        { Method: holderOfKey },
        element(
          'saml:SubjectConfirmationData',
          {
            'xmlns:xsi': namespaces.xsi,
            'xsi:type': 'saml:KeyInfoConfirmationDataType',
            InResponseTo: responseTo(eat_nonce),
            NotOnOrAfter: moment(exp),
            ...(recipient === undefined ? {} : { Recipient: recipient }),
          },
          keyInfo(holder),
        ),
      ),
    ),
    element(
      'saml:Conditions',
      { NotBefore: moment(iat), NotOnOrAfter: moment(exp) },
      element('saml:AudienceRestriction', {}, element('saml:Audience', {}, escaped(audienceOf(aud)))),
    ),
    element('saml:AttributeStatement', {}, ...attributesOf(claims)),
  );
}

/** SAML Core 2.0, 2.4.1.2: names the challenge that was answered, as `eat_nonce` does; NCNames begin with a letter. */
export const responseTo = (eatNonce: string): string => `_${eatNonce}`;

/** XML Signature 1.1, 4.5.2.3.1: the point without compression. */
function keyInfo({ x, y }: EcJwk): string {
  const point = Buffer.concat([Buffer.of(4), fromBase64url(x), fromBase64url(y)]).toString('base64');
  return element(
    'ds:KeyInfo',
    { 'xmlns:ds': namespaces.ds },
    element(
      'ds:KeyValue',
      {},
      element(
        'dsig11:ECKeyValue',
        { 'xmlns:dsig11': namespaces.dsig11 },
        element('dsig11:NamedCurve', { URI: namedCurve }),
        element('dsig11:PublicKey', {}, point),
      ),
    ),
  );
}

/** The facts of the token that are no part of the assertion's own elements. */
export function attributeValues(claims: TokenClaims): Record<string, string> {
  const { host, scope, img, epoch, enrolled, policy, eat_nonce, submods } = claims;
  const { 'ear.status': status, 'ear.trustworthiness-vector': vector, 'ear.appraisal-policy-id': id } = submods.host;
  return {
    host,
    scope,
    img,
    epoch: String(epoch),
    enrolled,
    ...(policy === undefined ? {} : { policy }),
    eat_nonce,
    'ear.status': status,
    ...Object.fromEntries(Object.entries(vector).map(([name, tier]) => [`ear.trustworthiness-vector.${name}`, tier])),
    'ear.appraisal-policy-id': id,
  };
}

const attributesOf = (claims: TokenClaims): string[] =>
  Object.entries(attributeValues(claims)).map(([name, value]) =>
    element(
      'saml:Attribute',
      { Name: attributeName(name), NameFormat: uriName },
      element('saml:AttributeValue', {}, escaped(value)),
    ),
  );

const element = (name: string, attributes: Readonly<Record<string, string>>, ...content: string[]): string => {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  return `<${name}${written.join('')}>${content.join('')}</${name}>`;
};

/** XML Schema dateTime in UTC without fractions (SAML Core 2.0, 1.3.3). */
export const moment = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

/** Control characters, halves of pairs and what XML 1.0, 2.2 has no place for; nothing that gets here may hold one. */
const unfit = /[\p{Cc}\p{Cs}\ufffe\uffff]/u;

function escaped(text: string): string {
  if (unfit.test(text)) throw new TypeError('a value holds a character that XML cannot hold');
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
