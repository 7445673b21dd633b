import assert from 'node:assert/strict';
import test from 'node:test';
import { everyTruncation, mutations } from '@vouchsafe/bytes/hostile';
import { Secret } from '@vouchsafe/bytes/secret';
import { TtlvError } from '../error.ts';
import { inspectMessage } from '../inspect.ts';
import { encrypt } from '../operations/encrypt.ts';
import { asking, getAnswer, requestMessage } from '../testing/samples.ts';
import { fromXml } from './decode.ts';
import { parseElement, printElement, xmlLimits } from './element.ts';
import { toXml } from './encode.ts';
import { normalName } from './names.ts';

const shown = (octets: Uint8Array) => printElement(toXml(octets, { secrets: 'shown' }));
const read = (text: string) => fromXml(parseElement(text));
const refused = (reason: RegExp) => (error: unknown) => {
  assert.ok(error instanceof TtlvError, String(error));
  assert.match(error.message, reason);
  return true;
};

const names: Record<string, string> = {
  'IV/Counter/Nonce': 'IVCounterNonce',
  'Re-key Key Pair': 'ReKeyKeyPair',
  'MAC/Signature': 'MACSignature',
  'X.509 Certificate Identifier': 'X_509CertificateIdentifier',
  'PKCS#12': 'PKCS_12',
  '3DES': 'DES3',
  'SHA-256': 'SHA_256',
  'HMAC-SHA256': 'HMAC_SHA256',
  'ANSI X9.31': 'ANSIX9_31',
  'Pre-Active': 'PreActive',
  'Polynomial Sharing GF (2^16)': 'PolynomialSharingGF2_16',
};
for (const [name, expected] of Object.entries(names))
  test(`KMIP Additional Message Encodings 1.0, 4.1.3: ${name} is written ${expected}`, () =>
    assert.equal(normalName(name), expected));

const element = (inside: string) => `<RequestHeader>${inside}</RequestHeader>`;

/** Values of each type as they may be written, and the octets that they stand for. */
const values: Record<string, string> = {
  '<BatchCount type="Integer" value="-2"/>': '42000d0200000004fffffffe00000000',
  '<BatchCount type="Integer" value="0x00000010"/>': '42000d02000000040000001000000000',
  '<CryptographicUsageMask type="Integer" value="Encrypt Decrypt 0x80000000"/>': '42002c02000000048000000c00000000',
  '<UsageLimitsCount type="LongInteger" value="9007199254740993"/>': '420096030000000800 20000000000001'.replace(
    ' ',
    '',
  ),
  '<Modulus type="BigInteger" value="FFFFFFFFFFFFFF01"/>': '4200520400000008ffffffffffffff01',
  '<ObjectType type="Enumeration" value="SymmetricKey"/>': '42005705000000040000000200000000',
  '<ObjectType type="Enumeration" value="0x80000001"/>': '42005705000000048000000100000000',
  '<BatchOrderOption type="Boolean" value="1"/>': '42001006000000080000000000000001',
  '<UniqueIdentifier type="TextString" value="a&amp;&#x42;&quot;"/>': '4200940700000004' + '6126422200000000',
  '<IVCounterNonce type="ByteString" value="Ab"/>': '42003d0800000001ab00000000000000',
  '<TimeStamp type="DateTime" value="1970-01-01T01:00:05+01:00"/>': '42009209000000080000000000000005',
  '<TimeStamp type="DateTime" value="0x0000000000000005"/>': '42009209000000080000000000000005',
  '<LeaseTime type="Interval" value="4294967295"/>': '4200490a00000004ffffffff00000000',
  '<TimeStamp type="DateTimeExtended" value="1970-01-01T00:00:01.5Z"/>': '4200920b0000000800000000 0016e360'.replace(
    ' ',
    '',
  ),
  '<TTLV tag="0x540001" type="TextString" value="x"/>': '54000107000000017800000000000000',
};
for (const [text, expected] of Object.entries(values))
  test(`a value is read: ${text}`, () => {
    const octets = read(element(text));
    assert.equal(octets.subarray(8).toString('hex'), expected);
    assert.deepEqual(read(shown(octets)), octets);
  });

const malformed: Record<string, [string, RegExp]> = {
  'nothing at all': ['', /expected an element/],
  'text alone': ['Get', /expected an element/],
  'text between elements': [element('Get'), /expected an element/],
  'a document type': ['<!DOCTYPE a [<!ENTITY b "c">]><RequestHeader/>', /expected a name/],
  'an entity of its own': [element('<UniqueIdentifier type="TextString" value="&b;"/>'), /no such character or entity/],
  'a character that is none': [element('<UniqueIdentifier type="TextString" value="&#xD800;"/>'), /no such character/],
  'a section of character data': [element('<![CDATA[x]]>'), /expected a name/],
  'a processing instruction': [element('<?a b?>'), /expected a name/],
  'a comment without end': ['<!-- ', /expected -->/],
  'an element without end': ['<RequestHeader>', /expected an element/],
  'another end': ['<RequestHeader></BatchItem>', /ends that is not open/],
  'two elements': ['<RequestHeader/><RequestHeader/>', /something follows/],
  'an attribute twice': [element('<BatchCount type="Integer" type="Integer" value="1"/>'), /stands twice/],
  'attributes without space': [element('<BatchCount type="Integer"value="1"/>'), /expected a space/],
  'nine attributes': [
    element(`<BatchCount${' a0="" a1="" a2="" a3="" a4="" a5="" a6="" a7="" a8=""'}/>`),
    /more than 8/,
  ],
  'a value without quotes': [element('<BatchCount type=Integer/>'), /in quotes/],
  'a value without end': ['<BatchCount type="Integer', /value without end/],
  'an element of no name': [element('<Nothing/>'), /no such element/],
  'a tag outside 42 and 54': [element('<TTLV tag="0x410001" type="Integer" value="1"/>'), /expected a tag/],
  'a type of no name': [element('<BatchCount type="Number" value="1"/>'), /no such type: Number/],
  'a value that is missing': [element('<BatchCount type="Integer"/>'), /Integer without value/],
  'a structure with a value': ['<RequestHeader value="1"/>', /a structure with a value/],
  'a value with elements inside': [
    '<BatchCount type="Integer" value="1"><BatchCount type="Integer" value="1"/></BatchCount>',
    /elements inside/,
  ],
  'hexadecimal of odd length': [element('<IVCounterNonce type="ByteString" value="abc"/>'), /no Byte String/],
  'a Big Integer of 7 bytes': [element('<Modulus type="BigInteger" value="00000000000001"/>'), /no Big Integer/],
  'an Integer of 33 bits': [element('<BatchCount type="Integer" value="2147483648"/>'), /no Integer/],
  'a Long Integer of 65 bits': [
    element('<UsageLimitsCount type="LongInteger" value="9223372036854775808"/>'),
    /no Long/,
  ],
  'an Interval below 0': [element('<LeaseTime type="Interval" value="-1"/>'), /no Interval/],
  'a mask of no name': [element('<CryptographicUsageMask type="Integer" value="Encrypt Nothing"/>'), /no Integer/],
  'an Enumeration of no name': [element('<ObjectType type="Enumeration" value="Nothing"/>'), /no Enumeration/],
  'a Boolean of 2': [element('<BatchOrderOption type="Boolean" value="2"/>'), /no Boolean/],
  'a date without zone': [element('<TimeStamp type="DateTime" value="2026-01-01T00:00:00"/>'), /no Date-Time/],
  'a date that is none': [element('<TimeStamp type="DateTime" value="2026-13-41T00:00:00Z"/>'), /no Date-Time/],
  'NUL in text': [element('<UniqueIdentifier type="TextString" value="&#0;"/>'), /no such character/],
};
for (const [what, [text, reason]] of Object.entries(malformed))
  test(`XML: ${what} is refused`, () => assert.throws(() => read(text), refused(reason)));

test('a document is limited in length, depth and number of elements', () => {
  const deep = '<RequestHeader>'.repeat(100_000) + '</RequestHeader>'.repeat(100_000);
  assert.throws(() => read(deep), refused(/more than 34 elements inside one another/));
  assert.throws(() => read(element('<BatchItem/>'.repeat(70_000))), refused(/more than 65536 elements/));
  assert.throws(() => read(' '.repeat(xmlLimits.length + 1)), refused(/characters, limit 8388608/));
  assert.throws(
    () => parseElement(element('<A/><A/>'), { ...xmlLimits, elements: 2 }),
    refused(/more than 2 elements/),
  );
});

test('a value that may be a key is not repeated in the error', () => {
  const key = `<KeyMaterial type="ByteString" value="${'5a'.repeat(32)}0"/>`;
  assert.throws(
    () => read(key),
    (error) => error instanceof TtlvError && /65 characters/.test(error.message) && !/5a/.test(error.message),
  );
});

const message = () => getAnswer(0x5a);
const ofData = () =>
  requestMessage(
    [asking(encrypt, { id: 'a', data: Secret.take(new Uint8Array(32).fill(0x5a)) })],
    {},
    { major: 1, minor: 4 },
  );

test('what is secret is not shown, in no form', () => {
  for (const octets of [message(), ofData()]) {
    const { tree, xml } = inspectMessage(octets);
    assert.doesNotMatch(JSON.stringify(tree) + xml, /5a5a/i);
    assert.match(xml, /type="ByteString" value="\*\*\*"/);
    assert.throws(() => inspectMessage(Buffer.from(xml)), refused(/3 characters is no Byte String/));
  }
});

test('XML and octets are inspected alike', () => {
  const octets = ofData();
  assert.deepEqual(inspectMessage(Buffer.from(`\uFEFF \n${shown(octets)}`)), inspectMessage(octets));
  assert.throws(() => inspectMessage(Uint8Array.of(0x3c, 0xff)), refused(/not UTF-8/));
});

test('every truncation and mutation of a document leads to octets or a TtlvError', () => {
  const text = Buffer.from(shown(message()).trimEnd());
  everyTruncation(text, (cut) => assert.throws(() => read(Buffer.from(cut).toString('latin1')), TtlvError));
  mutations([text, Buffer.from(shown(ofData()))], 1, 5000, (octets) => {
    try {
      inspectMessage(octets);
    } catch (error) {
      assert.ok(error instanceof TtlvError, String(error));
    }
  });
});
