/** Namespaces of a SAML 2.0 assertion with its signature. */
export const namespaces = {
  /** SAML Core 2.0, 1.1 */
  saml: 'urn:oasis:names:tc:SAML:2.0:assertion',
  /** XML Signature 1.1 */
  ds: 'http://www.w3.org/2000/09/xmldsig#',
  dsig11: 'http://www.w3.org/2009/xmldsig11#',
  xsi: 'http://www.w3.org/2001/XMLSchema-instance',
} as const;

/** The one way in which assertions are signed: nothing is negotiated. RFC 6931; Exclusive XML Canonicalization 1.0. */
export const algorithms = {
  canonicalization: 'http://www.w3.org/2001/10/xml-exc-c14n#',
  signature: 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256',
  enveloped: 'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
  digest: 'http://www.w3.org/2001/04/xmlenc#sha256',
} as const;

/** SAML Profiles 2.0, 3.1 */
export const holderOfKey = 'urn:oasis:names:tc:SAML:2.0:cm:holder-of-key';
/** SAML Core 2.0, 8.2.2: names of attributes are URIs. */
export const uriName = 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri';
/** SAML Core 2.0, 8.3.1 and 8.3.6 */
export const nameFormats = {
  subject: 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
  issuer: 'urn:oasis:names:tc:SAML:2.0:nameid-format:entity',
} as const;
/** RFC 4050, 3.2.1: P-256 */
export const namedCurve = 'urn:oid:1.2.840.10045.3.1.7';

/** Audience of a group's assertions. */
export const audienceOf = (group: string): string => `urn:vouchsafe:group:${group}`;
/** Name of the attribute that holds a claim. */
export const attributeName = (claim: string): string => `urn:vouchsafe:claim:${claim}`;
