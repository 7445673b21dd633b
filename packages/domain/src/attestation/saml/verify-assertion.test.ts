import assert from 'node:assert/strict';
import { createHash, createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { before, test } from 'node:test';
import { everyTruncation, mutations } from '@vouchsafe/bytes/hostile';
import { DOMParser } from '@xmldom/xmldom';
import { SignedXml } from 'xml-crypto';
import { jwkOf } from '../../keys/jwk.ts';
import { firstRefusal } from '../../rules.ts';
import { type Certified, newSession, sampleClaims, type TestGroup, testGroup, testTime } from '../../testing/group.ts';
import { problem } from '../../testing/problem.ts';
import type { TokenClaims } from '../token.ts';
import { attributeValues, responseTo, signAssertion } from './assertion.ts';
import { EcdsaSha256 } from './ecdsa-sha256.ts';
import { algorithms, audienceOf, namespaces } from './names.ts';
import { assertionRules, type Expected, readAssertion, verifyAssertion } from './verify-assertion.ts';

let ours: TestGroup;
let attestd: Certified;
const session = newSession();
const holder = jwkOf(session.signing.publicKey);
const claims = (change: Partial<TokenClaims> = {}) => sampleClaims(ours.group, session, change);
const signed = ({ key, certificate }: Certified = attestd, change: Partial<TokenClaims> = {}, recipient?: string) =>
  signAssertion(key, certificate, {
    claims: claims(change),
    holder,
    ...(recipient === undefined ? {} : { recipient }),
  });
const verify = (xml: string, expected?: Expected, now = testTime) => verifyAssertion(xml, ours.group, now, expected);
const refused = (xml: string, text: RegExp, expected?: Expected) =>
  assert.rejects(verify(xml, expected), problem('token.invalid', text));

before(async () => {
  ours = await testGroup();
  attestd = await ours.inRole('attestd');
});

test('an assertion says what the token says, for as long, and is bound to the same key', async () => {
  const token = claims({ policy: 'p'.repeat(43), host: 'host-<1>&"x"' });
  const xml = signAssertion(attestd.key, attestd.certificate, { claims: token, holder });
  assert.deepEqual(await verify(xml), {
    id: `_${token.jti}`,
    issuer: token.iss,
    subject: token.sub,
    holder,
    audience: audienceOf(ours.group.id),
    inResponseTo: responseTo(token.eat_nonce),
    recipient: undefined,
    notBefore: token.iat,
    notOnOrAfter: token.exp,
    attributes: attributeValues(token),
  });
});

const attacks: [name: string, rule: string, text: RegExp, make: () => Promise<string> | string, expected?: Expected][] =
  [
    [
      'of an attestd outside the group',
      'saml.signer',
      /not issued by the CA of group/,
      async () => signed(await (await testGroup()).inRole('attestd')),
    ],
    ['of a kmxd of the group', 'saml.signer', /role attestd/, async () => signed(await ours.inRole('kmxd'))],
    [
      'for another group',
      'saml.audience',
      /made for urn:vouchsafe:group:A/,
      () => signed(attestd, { aud: 'A'.repeat(43) }),
    ],
    ['for another audience', 'saml.audience', /made for/, () => signed(), { audience: 'https://sp.example' }],
    [
      'that expired',
      'saml.expired',
      /expired 30 s/,
      () => signed(attestd, { iat: testTime - 630, exp: testTime - 30 }),
    ],
    ['from the future', 'saml.future', /future/, () => signed(attestd, { iat: testTime + 31, exp: testTime + 60 })],
    ['that lives too long', 'saml.lifetime', /longer than 600/, () => signed(attestd, { exp: testTime + 601 })],
    [
      'for another recipient',
      'saml.recipient',
      /recipient https:\/\/b/,
      () => signed(attestd, {}, 'https://b'),
      { recipient: 'https://a' },
    ],
    [
      'for a recipient, where none is expected',
      'saml.recipient',
      /recipient https:\/\/b/,
      () => signed(attestd, {}, 'https://b'),
    ],
    [
      'for no recipient, where one is expected',
      'saml.recipient',
      /recipient any/,
      () => signed(),
      { recipient: 'https://a' },
    ],
    [
      'that answers another challenge',
      'saml.in-response-to',
      /answers _bm9uY2U/,
      () => signed(),
      { inResponseTo: '_other' },
    ],
    [
      'with a status above its vector',
      'saml.ear',
      /worst of its vector warning/,
      () => {
        const { host } = claims().submods;
        const vector = { ...host['ear.trustworthiness-vector'], executables: 'warning' as const };
        return signed(attestd, { submods: { host: { ...host, 'ear.trustworthiness-vector': vector } } });
      },
    ],
  ];

for (const [name, rule, text, make, expected] of attacks) {
  test(`an assertion ${name} is refused, and accepted when ${rule} is taken out`, async () => {
    const xml = await make();
    await refused(xml, text, expected);
    const presented = { ...readAssertion(xml), group: ours.group, now: testTime, expected: expected ?? {} };
    assert.equal((await firstRefusal(assertionRules, presented))?.rule, rule);
    const others = assertionRules.filter(({ id }) => id !== rule);
    assert.equal(others.length, assertionRules.length - 1);
    assert.equal(await firstRefusal(others, presented), undefined);
  });
}

/** A reader as many were: any signature that holds, anywhere in the document, and then the names in the document. */
function naive(xml: string): string | undefined {
  const document = new DOMParser({ onError: () => undefined }).parseFromString(xml, 'application/xml');
  const signature = document.getElementsByTagNameNS(namespaces.ds, 'Signature')[0];
  const checker = new SignedXml({ publicCert: attestd.certificate.publicKey, getCertFromKeyInfo: () => null });
  checker.SignatureAlgorithms = { [algorithms.signature]: EcdsaSha256 };
  try {
    checker.loadSignature(String(signature));
    if (!checker.checkSignature(xml)) return undefined;
  } catch {
    return undefined;
  }
  const assertion = Array.from(document.getElementsByTagNameNS(namespaces.saml, 'Assertion')).find(
    (each) => each.getAttribute('ID') !== `_${claims().jti}`,
  );
  const subject = Array.from(assertion?.childNodes ?? []).find(({ nodeName }) => nodeName === 'saml:Subject');
  return subject?.firstChild?.textContent ?? undefined;
}

const evilSubject = `ek:${'66'.repeat(32)}`;
const signatureOf = (xml: string) => /<ds:Signature .*<\/ds:Signature>/.exec(xml)?.[0] ?? '';
const unsignedOf = (xml: string) => xml.replace(signatureOf(xml), '');
/** What the attacker wants to be read, under another ID, without signature. */
const evilOf = (xml: string) =>
  unsignedOf(xml).replace(claims().sub, evilSubject).replace(`ID="_${claims().jti}"`, 'ID="_evil"');
const behindIssuer = (xml: string, what: string) => xml.replace('</saml:Issuer>', `</saml:Issuer>${what}`);
const inResponse = (...content: string[]) =>
  `<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol">${content.join('')}</p:Response>`;
const intoObject = (signature: string, what: string) =>
  signature.replace('</ds:Signature>', `<ds:Object>${what}</ds:Object></ds:Signature>`);

/** Signature wrapping in its eight known forms (Somorovsky et al., "On Breaking SAML", USENIX Security 2012). */
const wrappings: Record<string, (xml: string) => string> = {
  'XSW1: the evil root, the signed one inside its signature': (xml) =>
    inResponse(behindIssuer(evilOf(xml), intoObject(signatureOf(xml), unsignedOf(xml)))),
  'XSW2: the signature detached beside the signed one, evil in front': (xml) =>
    inResponse(evilOf(xml), signatureOf(xml), unsignedOf(xml)),
  'XSW3: an evil assertion in front of the signed one': (xml) => inResponse(evilOf(xml), xml),
  'XSW4: the signed assertion inside the evil one': (xml) =>
    evilOf(xml).replace(/<\/saml:Assertion>$/, `${xml}</saml:Assertion>`),
  'XSW5: the signature in the evil assertion, the signed one behind it': (xml) =>
    inResponse(behindIssuer(evilOf(xml), signatureOf(xml)), unsignedOf(xml)),
  'XSW6: the signed assertion inside the signature inside the evil one': (xml) =>
    behindIssuer(evilOf(xml), intoObject(signatureOf(xml), unsignedOf(xml))),
  'XSW7: the evil assertion in an element that may hold anything': (xml) =>
    inResponse(`<p:Extensions>${evilOf(xml)}</p:Extensions>`, xml),
  'XSW8: the evil assertion around the signed one in an object of the signature': (xml) =>
    behindIssuer(evilOf(xml), intoObject(signatureOf(xml), `<x>${unsignedOf(xml)}</x>`)),
  'an unsigned assertion behind the signed one': (xml) => inResponse(xml, evilOf(xml)),
};

for (const [name, wrap] of Object.entries(wrappings)) {
  test(`${name}: a naive reader takes it, this one does not`, async () => {
    const wrapped = wrap(signed());
    assert.equal(naive(wrapped), evilSubject);
    await refused(wrapped, /expected|found/);
  });
}

test('two assertions, each signed: a document is one assertion', async () => {
  await refused(inResponse(signed(), signed(attestd, { jti: 'token-2' })), /found element p:Response/);
  await refused(signed() + signed(), /not well-formed|root/);
  const xml = signed();
  await refused(xml.replace('</saml:Subject>', `</saml:Subject>${xml}`), /found element saml:Assertion/);
});

test('IDs that stand there twice, and references to something else, are refused', async () => {
  const xml = signed();
  const id = `_${claims().jti}`;
  await refused(xml.replace('<saml:Conditions ', `<saml:Conditions ID="${id}" `), /Conditions: found attribute ID/);
  await refused(xml.replace('<saml:Subject>', `<saml:Subject Id="${id}">`), /Subject: found attribute Id/);
  await refused(xml.replace(`URI="#${id}"`, 'URI=""'), /not to the assertion itself/);
  await refused(xml.replace(`URI="#${id}"`, 'URI="#other"'), /not to the assertion itself/);
});

test('comments, document types, entities, CDATA and instructions are refused before anything is read', async () => {
  const xml = signed();
  const { sub } = claims();
  const commented = xml.replace(sub, `${sub.slice(0, 20)}<!---->${sub.slice(20)}`);
  // Canonicalisation leaves comments out: the signature holds, and whoever reads the first text node sees half a name.
  assert.equal(naive(inResponse(evilOf(xml), commented)), evilSubject);
  const bomb = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>`;
  const attempts = [
    commented,
    `<!DOCTYPE saml:Assertion SYSTEM "file:///etc/passwd">${xml}`,
    `<!DOCTYPE x [<!ENTITY xxe SYSTEM "file:///etc/hostname">]>${xml.replace('host-1', '&xxe;')}`,
    bomb + xml.replace('host-1', '&c;'),
    xml.replace('host-1', '<![CDATA[host-1]]>'),
    `<?xml-stylesheet href="x"?>${xml}`,
    `<?xml version="1.0"?>${xml}`,
  ];
  for (const each of attempts) await refused(each, /are not allowed/);
  await refused(xml.replace('host-1', '&undefined;'), /not well-formed|entity/);
});

test('no other algorithm for signature, digest, canonicalisation or transformation', async () => {
  const xml = signed();
  const { canonicalization, signature, digest, enveloped } = algorithms;
  const others: [string, string][] = [
    [signature, 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'],
    [signature, 'http://www.w3.org/2000/09/xmldsig#hmac-sha1'],
    [signature, 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1'],
    [digest, 'http://www.w3.org/2000/09/xmldsig#sha1'],
    [digest, 'http://www.w3.org/2001/04/xmlenc#sha512'],
    [canonicalization, 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315'],
    [canonicalization, `${canonicalization}WithComments`],
    [enveloped, 'http://www.w3.org/TR/1999/REC-xslt-19991116'],
    [enveloped, 'http://www.w3.org/TR/1999/REC-xpath-19991116'],
  ];
  for (const [ours, other] of others) await refused(xml.replace(`"${ours}"`, `"${other}"`), /expected http/);
  const transform = `<ds:Transform Algorithm="${canonicalization}"`;
  const prefixes = `<InclusiveNamespaces PrefixList="xsi" xmlns="${canonicalization}"/>`;
  await refused(xml.replace(`${transform}/>`, `${transform}>${prefixes}</ds:Transform>`), /Transform: found element/);
});

/** Signs whatever a forger of a key wants signed; with `algorithm`, in another way. */
function signXml(xml: string, { key, certificate }: { key: KeyObject; certificate: X509Certificate }): string {
  const signer = new SignedXml({
    privateKey: key,
    signatureAlgorithm: algorithms.signature,
    canonicalizationAlgorithm: algorithms.canonicalization,
    getKeyInfoContent: () =>
      `<ds:X509Data><ds:X509Certificate>${certificate.raw.toString('base64')}</ds:X509Certificate></ds:X509Data>`,
  });
  signer.SignatureAlgorithms = { [algorithms.signature]: EcdsaSha256 };
  const transforms = [algorithms.enveloped, algorithms.canonicalization];
  signer.addReference({ xpath: '/*', transforms, digestAlgorithm: algorithms.digest });
  signer.computeSignature(xml, {
    prefix: 'ds',
    location: { reference: "/*/*[local-name()='Issuer']", action: 'after' },
  });
  return signer.getSignedXml();
}

test('an assertion of the group that leaves something out, or says it otherwise, is refused', async () => {
  const whole = unsignedOf(signed());
  const again = (change: (xml: string) => string) => signXml(change(whole), attestd);
  await verify(again((xml) => xml));
  const cut = (name: string) => (xml: string) => xml.replace(new RegExp(`<saml:${name}[ >].*?</saml:${name}>`), '');
  const cases: [RegExp, (xml: string) => string][] = [
    [/Conditions is missing|found element saml:AttributeStatement/, cut('Conditions')],
    [/AudienceRestriction is missing/, cut('AudienceRestriction')],
    [/Audience is missing/, cut('Audience')],
    [/found element saml:Conditions/, cut('Subject')],
    [/SubjectConfirmation is missing/, cut('SubjectConfirmation')],
    [/AttributeStatement is missing/, cut('AttributeStatement')],
    [/Attribute: host is missing/, cut('Attribute')],
    [/attribute NotOnOrAfter is missing/, (xml) => xml.replace(/ NotOnOrAfter="[^"]*"><saml:Aud/, '><saml:Aud')],
    [/attribute NotBefore is missing/, (xml) => xml.replace(/ NotBefore="[^"]*"/, '')],
    [/that of the conditions/, (xml) => xml.replace(/NotOnOrAfter="[^"]*"/, 'NotOnOrAfter="2099-01-01T00:00:00Z"')],
    [/no time in UTC/, (xml) => xml.replace(/NotBefore="[^"]*"/, 'NotBefore="2026-09-21T14:13:20+02:00"')],
    [/Method: expected/, (xml) => xml.replace('cm:holder-of-key', 'cm:bearer')],
    [/Version: expected/, (xml) => xml.replace('Version="2.0"', 'Version="1.1"')],
    [/NameID: expected ek:/, (xml) => xml.replace(/>ek:[0-9a-f]{64}</, '>ek:x<')],
    [/PublicKey: expected a point on P-256/, (xml) => xml.replace(/<dsig11:PublicKey>..../, '<dsig11:PublicKey>AAAA')],
    [/URI: expected urn:oid/, (xml) => xml.replace('1.2.840.10045.3.1.7', '1.3.132.0.34')],
    [/unknown name/, (xml) => xml.replace('urn:vouchsafe:claim:host', 'urn:example:host')],
    [/stands there twice/, (xml) => xml.replace('urn:vouchsafe:claim:scope', 'urn:vouchsafe:claim:host')],
    [/found attribute OneTimeUse/, (xml) => xml.replace('<saml:Conditions ', '<saml:Conditions OneTimeUse="x" ')],
    [/found element saml:Advice/, (xml) => xml.replace('</saml:Conditions>', '</saml:Conditions><saml:Advice/>')],
    [/between elements/, (xml) => xml.replace('<saml:Conditions ', ' <saml:Conditions ')],
    [/no tier/, (xml) => xml.replace('>affirming<', '>excellent<')],
    [
      /vector is empty/,
      (xml) =>
        xml.replace(/<saml:Attribute Name="urn:vouchsafe:claim:ear.trustworthiness-vector.*?<\/saml:Attribute>/g, ''),
    ],
  ];
  for (const [text, change] of cases) {
    assert.notEqual(change(whole), whole, String(text));
    await refused(again(change), text);
  }
});

test('a key, a certificate or a signature of others is not believed on its own word', async () => {
  const xml = signed();
  const mine = newSession().signing;
  await refused(signXml(unsignedOf(xml), { key: mine.privateKey, certificate: attestd.certificate }), /does not hold/);
  await refused(unsignedOf(xml), /found element saml:Subject/);
  await refused(xml.replace(/<ds:KeyInfo><ds:X509Data>.*?<\/ds:KeyInfo>/, ''), /KeyInfo is missing/);
  const spki = createPublicKey(attestd.key).export({ format: 'der', type: 'spki' }).toString('base64');
  await refused(xml.replace(/<ds:X509Certificate>[^<]*/, `<ds:X509Certificate>${spki}`), /./);
  await refused(xml.replace(/<ds:SignatureValue>[^<]*/, '<ds:SignatureValue>'), /./);
});

test('no changed character of an assertion is accepted with another meaning, no cut one at all', async () => {
  const xml = signed();
  const whole = await verify(xml);
  const octets = Buffer.from(xml);
  let cuts = 0;
  everyTruncation(octets, (cut) => {
    if (cuts++ % 37 === 0) assert.throws(() => readAssertion(cut.toString()), problem('token.invalid'));
  });
  let accepted = 0;
  const tries: Promise<void>[] = [];
  const seen = new Set<string>();
  mutations([octets], 7, 600, (bytes) => {
    const text = Buffer.from(bytes).toString();
    if (text === xml) return;
    tries.push(
      verify(text).then(
        (facts) => {
          accepted++;
          seen.add(createHash('sha256').update(JSON.stringify(facts)).digest('hex'));
          assert.deepEqual(facts, whole);
        },
        (error) => assert.ok(problem('token.invalid')(error)),
      ),
    );
  });
  await Promise.all(tries);
  assert.ok(seen.size <= 1 && accepted < 30, `${accepted} accepted`);
  await refused('x'.repeat(65537), /longer than/);
  for (const odd of ['', '<', '<a/>', 'no xml', '\u0000', '<a'.repeat(20000)]) await refused(odd, /./);
});

test('a value that XML cannot hold is not written', () => {
  for (const bad of ['a\u0000b', 'a\nb', '\ud800']) assert.throws(() => signed(attestd, { host: bad }), TypeError);
});
