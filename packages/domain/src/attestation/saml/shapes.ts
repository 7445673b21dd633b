import { algorithms, holderOfKey, namedCurve, nameFormats, uriName } from './names.ts';
import type { Shape } from './shape.ts';

const algorithm = (name: string, Algorithm: string): Shape => ({
  prefix: 'ds',
  name,
  attributes: { Algorithm },
  content: 'nothing',
});
const ds = (name: string, content: Shape['content'], attributes: NonNullable<Shape['attributes']> = {}): Shape => ({
  prefix: 'ds',
  name,
  attributes,
  content,
});
const saml = (name: string, content: Shape['content'], attributes: NonNullable<Shape['attributes']> = {}): Shape => ({
  prefix: 'saml',
  name,
  attributes,
  content,
});

/** XML Signature 1.1, 4: over one reference, with one certificate. */
const signature = ds('Signature', [
  ds('SignedInfo', [
    algorithm('CanonicalizationMethod', algorithms.canonicalization),
    algorithm('SignatureMethod', algorithms.signature),
    ds(
      'Reference',
      [
        ds('Transforms', [
          { ...algorithm('Transform', algorithms.enveloped) },
          { ...algorithm('Transform', algorithms.canonicalization) },
        ]),
        algorithm('DigestMethod', algorithms.digest),
        ds('DigestValue', 'text'),
      ],
      { URI: true },
    ),
  ]),
  ds('SignatureValue', 'text'),
  ds('KeyInfo', [ds('X509Data', [ds('X509Certificate', 'text')])]),
]);

const holder = ds('KeyInfo', [
  ds('KeyValue', [
    {
      prefix: 'dsig11',
      name: 'ECKeyValue',
      content: [
        { prefix: 'dsig11', name: 'NamedCurve', attributes: { URI: namedCurve }, content: 'nothing' },
        { prefix: 'dsig11', name: 'PublicKey', content: 'text' },
      ],
    },
  ]),
]);

const subject = saml('Subject', [
  saml('NameID', 'text', { Format: nameFormats.subject }),
  saml(
    'SubjectConfirmation',
    [
      saml('SubjectConfirmationData', [holder], {
        'xsi:type': 'saml:KeyInfoConfirmationDataType',
        InResponseTo: true,
        NotOnOrAfter: true,
        Recipient: false,
      }),
    ],
    { Method: holderOfKey },
  ),
]);

const statements: readonly Shape[] = [
  subject,
  saml('Conditions', [saml('AudienceRestriction', [saml('Audience', 'text')])], {
    NotBefore: true,
    NotOnOrAfter: true,
  }),
  saml('AttributeStatement', [
    { ...saml('Attribute', [saml('AttributeValue', 'text')], { Name: true, NameFormat: uriName }), times: 'many' },
  ]),
];

const issuer = saml('Issuer', 'text', { Format: nameFormats.issuer });
const assertion = (content: readonly Shape[]): Shape =>
  saml('Assertion', content, { ID: true, Version: '2.0', IssueInstant: true });

/** An assertion as it is sent. */
export const signedAssertion = assertion([issuer, signature, ...statements]);
/** What its signature covers: all but the signature itself. */
export const coveredAssertion = assertion([issuer, ...statements]);
