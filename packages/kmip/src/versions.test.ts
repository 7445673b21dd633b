import assert from 'node:assert/strict';
import test from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import type { Attribute } from './attribute.ts';
import { type AttributeName, attributeFacts, attributeTable } from './attribute-table.ts';
import { keyOctets } from './managed-object.ts';
import { type ProtocolVersion, RequestMessage, ResponseMessage } from './message.ts';
import { addAttribute } from './operations/add-attribute.ts';
import { adjustAttribute } from './operations/adjust-attribute.ts';
import { create } from './operations/create.ts';
import { createKeyPair } from './operations/create-key-pair.ts';
import { deleteAttribute } from './operations/delete-attribute.ts';
import { get } from './operations/get.ts';
import { getAttributeList } from './operations/get-attribute-list.ts';
import { getAttributes } from './operations/get-attributes.ts';
import { locate } from './operations/locate.ts';
import { modifyAttribute } from './operations/modify-attribute.ts';
import type { Operation, ResponseOf } from './operations/operation.ts';
import { query } from './operations/query.ts';
import { setAttribute } from './operations/set-attribute.ts';
import { asking, requestMessage } from './testing/samples.ts';
import { describe, describeText } from './ttlv/describe.ts';
import { decodeItem, encodeItem } from './ttlv/item.ts';
import { bound } from './ttlv/lazy.ts';
import { type VersionName, versionNames } from './ttlv/vocabulary.ts';

const numbers = (name: VersionName): ProtocolVersion => {
  const [major = 0, minor = 0] = name.split('.').map(Number);
  return { major, minor };
};

/** An answer in a version, and what its client reads. */
function answered<Request, Response>(of: Operation<Request, Response>, response: Response, version: VersionName) {
  const octets = encodeItem(ResponseMessage, {
    header: { version: numbers(version), time: new Date(0), batchCount: 1 },
    items: [{ operation: of.name, status: 'Success', payload: bound(of.response, response) }],
  });
  const shown = describeText(describe(octets));
  return { shown, read: () => decodeItem(ResponseMessage, octets).items[0]!.payload!.as(of.response) };
}

/** A request in a version as its server reads it. */
function asked<Request, Response>(of: Operation<Request, Response>, request: Request, version: VersionName): Request {
  const octets = requestMessage([asking(of, request)], {}, numbers(version));
  return decodeItem(RequestMessage, octets).items[0]!.payload.as(of.request);
}

const attributes: Attribute[] = [
  { name: 'Name', value: { value: 'disk', type: 'Uninterpreted Text String' } },
  { name: 'Cryptographic Algorithm', value: 'AES' },
  { name: 'Cryptographic Length', value: 256 },
  { name: 'Activation Date', value: new Date('2026-01-01T00:00:00Z') },
  { name: 'Cryptographic Parameters', value: { mode: 'GCM', tagLength: 16, ivLength: 12, randomIv: true } },
  { name: 'Link', value: { type: 'Parent Link', id: 'other' } },
  { name: 'Sensitive', value: true },
  { name: 'Comment', value: 'kept in the safe' },
  { name: 'x-Product', value: { type: 'Text String', value: 'vSphere' } },
  { name: 'acme:Shelf', value: { type: 'Integer', value: 7 } },
  { name: 'Protection Period', value: 3600 },
  { name: 'Operation Policy Name', value: 'default' },
];

/** What a client of each version is told of them. */
const told: Record<VersionName, string[]> = (() => {
  const first = [
    'Name',
    'Cryptographic Algorithm',
    'Cryptographic Length',
    'Activation Date',
    'Cryptographic Parameters',
  ];
  const old = ['x-Product', 'Operation Policy Name'];
  const safe = ['Sensitive', 'Comment'];
  const two = [...first, 'Link', ...safe, 'x-Product', 'acme:Shelf', 'Protection Period'];
  return {
    '1.0': [...first, ...old],
    '1.1': [...first, ...old],
    '1.2': [...first, 'Link', ...old],
    '1.3': [...first, 'Link', ...old],
    '1.4': [...first, 'Link', ...safe, ...old],
    '2.0': two,
    '2.1': two,
  };
})();

for (const version of versionNames) {
  test(`${version}: a client is told the attributes of its version, and nothing of what came later`, () => {
    const { read } = answered(getAttributes, { id: 'one', attributes }, version);
    const found = read().attributes;
    assert.deepEqual(
      found.map(({ name }) => name),
      told[version],
    );
    const parameters = found.find(({ name }) => name === 'Cryptographic Parameters')?.value;
    assert.deepEqual(parameters, version < '1.2' ? { mode: 'GCM' } : attributes[4]!.value);
    for (const each of found)
      if (each.name !== 'Cryptographic Parameters')
        assert.deepEqual(each.value, attributes.find(({ name }) => name === each.name)?.value, each.name);
  });

  test(`${version}: names of attributes are those of the version`, () => {
    // Links are as old as the standard; links to parents are not.
    const names = attributes.map(({ name }) => name).filter((name) => name !== 'Link');
    const known = told[version].filter((name) => name !== 'Link');
    assert.deepEqual(answered(getAttributeList, { id: 'one', names }, version).read().names, known);
    assert.deepEqual(asked(getAttributes, { id: 'one', names }, version).names, known);
  });

  test(`${version}: a request says the same whatever the version`, () => {
    const mine = attributes.filter(({ name }) => told[version].includes(name) && name !== 'Cryptographic Parameters');
    const template = { names: [], attributes: mine };
    assert.deepEqual(asked(create, { objectType: 'Symmetric Key', template }, version).template, template);
    assert.deepEqual(asked(locate, { maximumItems: 1, attributes: mine }, version).attributes, mine);
    assert.deepEqual(asked(createKeyPair, { common: template, privateKey: template }, version).privateKey, template);
    assert.deepEqual(asked(addAttribute, { id: 'one', attribute: mine[0]! }, version).attribute, mine[0]);
    assert.deepEqual(asked(modifyAttribute, { attribute: mine[1]! }, version).attribute, mine[1]);
    assert.equal(asked(deleteAttribute, { id: 'one', name: 'x-Product' }, version).name, 'x-Product');
  });

  test(`${version}: the key in an answer is the same`, () => {
    const octets = new Uint8Array(32).fill(5);
    const material = Secret.take(octets.slice());
    const { read } = answered(
      get,
      {
        objectType: 'Symmetric Key',
        id: 'one',
        object: {
          type: 'Symmetric Key',
          block: { format: 'Raw', value: { material, attributes: [] }, algorithm: 'AES', length: 256 },
        },
      },
      version,
    );
    assert.deepEqual(
      keyOctets(read().object)?.use((bytes) => bytes.slice()),
      octets,
    );
  });
}

test('every attribute of the table is written and read in each version that has it, and in no other', () => {
  for (const name of Object.keys(attributeTable) as AttributeName[]) {
    const facts = attributeFacts(name)!;
    for (const version of versionNames) {
      const has = version >= facts.since && (facts.until === undefined || version <= facts.until);
      const { read } = answered(getAttributeList, { id: 'one', names: [name] }, version);
      assert.deepEqual(read().names, has ? [name] : [], `${name} in ${version}`);
    }
  }
});

test('operations, functions and reasons that came later are not said to an older client', () => {
  const operations = ['Create', 'Discover Versions', 'Encrypt', 'Import', 'Set Attribute'] as const;
  const said = (version: VersionName) =>
    answered(
      query,
      { operations: [...operations], objectTypes: ['PGP Key'], applicationNamespaces: [] },
      version,
    ).read();
  assert.deepEqual(said('1.0').operations, ['Create']);
  assert.deepEqual(said('1.1').objectTypes, []);
  assert.deepEqual(said('1.2').operations, ['Create', 'Discover Versions', 'Encrypt']);
  assert.deepEqual(said('1.4').operations, operations.slice(0, 4));
  assert.deepEqual(said('2.0').operations, [...operations]);
  const reason = (version: VersionName, reason: 'Sensitive' | 'Object Destroyed' | 'Numeric Range') => {
    const items = [{ status: 'Operation Failed' as const, reason }];
    const header = { version: numbers(version), time: new Date(0), batchCount: 1, serverCorrelation: 'trace' };
    const read = decodeItem(ResponseMessage, encodeItem(ResponseMessage, { header, items }));
    assert.equal(read.header.serverCorrelation, version < '1.4' ? undefined : 'trace');
    return read.items[0]?.reason;
  };
  assert.equal(reason('1.3', 'Sensitive'), 'Permission Denied');
  assert.equal(reason('1.4', 'Sensitive'), 'Sensitive');
  assert.equal(reason('1.4', 'Object Destroyed'), 'Item Not Found');
  assert.equal(reason('1.0', 'Numeric Range'), 'General Failure');
  assert.equal(reason('2.0', 'Numeric Range'), 'Numeric Range');
});

test('KMIP 2.1, 7: attributes stand under their own tags, vendors under theirs', () => {
  const { shown } = answered(getAttributes, { id: 'one', attributes }, '2.1');
  assert.match(shown, /Attributes\n {8}Name\n/);
  assert.match(shown, /Vendor Identification \(Text String\): x\n *Attribute Name \(Text String\): Product\n/);
  assert.match(shown, /Vendor Identification \(Text String\): acme\n *Attribute Name \(Text String\): Shelf\n/);
  assert.doesNotMatch(shown, /Template-Attribute|Attribute Index/);
  assert.deepEqual(asked(setAttribute, { id: 'one', attribute: attributes[7]! }, '2.0').attribute, attributes[7]);
  const counted = { id: 'one', name: 'Protection Period', adjustment: 'Increment', value: 60 } as const;
  assert.deepEqual(asked(adjustAttribute, counted, '2.1'), counted);
});

test('KMIP 2.1, 4.1.55: a request may name the ID Placeholder, and no other reference', () => {
  const request = (last: number) => {
    const octets = requestMessage([asking(get, { id: 'abcd' })], {}, { major: 2, minor: 1 });
    const at = octets.indexOf(Uint8Array.of(0x42, 0, 0x94, 7));
    octets.set([0x42, 0, 0x94, 5, 0, 0, 0, 4, 0, 0, 0, last], at);
    return decodeItem(RequestMessage, octets).items[0]!.payload;
  };
  assert.equal(request(1).as(get.request).id, undefined);
  assert.throws(() => request(2).as(get.request), { fault: 'unknown-value' });
});

test('a value that a version has no words for and that must be there is not sent', () => {
  assert.throws(() => answered(get, pgp(), '1.1'), /PGP Key|no words/);
  assert.equal(answered(get, pgp(), '1.2').read().object.type, 'PGP Key');
});

const pgp = (): ResponseOf<typeof get> => ({
  objectType: 'PGP Key',
  id: 'one',
  object: {
    type: 'PGP Key',
    version: 4,
    block: { format: 'Raw', value: { material: Secret.take(Uint8Array.of(1)), attributes: [] } },
  },
});
