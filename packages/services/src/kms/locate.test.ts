import assert from 'node:assert/strict';
import test from 'node:test';
import { type Attribute, customAttribute, nameAttribute } from '@vouchsafe/kmip/attribute';
import { refusedWith } from '@vouchsafe/kmip/testing/contract';
import { kmsFixture } from './testing/fixture.ts';

test('KMIP 1.4, 4.9: Locate finds the objects that have every attribute that is asked for', async (t) => {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  using client = fixture.client(await fixture.addClient('one'));
  const long = await client.create({ algorithm: 'AES', length: 256, usage: ['Encrypt', 'Decrypt'], name: 'long' });
  const short = await client.create({ algorithm: 'AES', length: 128, usage: ['Wrap Key'], name: 'short' });
  const gone = await client.create({ algorithm: 'AES', length: 192, usage: ['Encrypt'], name: 'gone' });
  await client.destroy(gone);
  await client.activate(long);
  await client.addAttribute(short, customAttribute('x-Place', 'here'));
  const cases: [Attribute[], string[]][] = [
    [[], [long, short]],
    [[{ name: 'State', value: 'Active' }], [long]],
    [[{ name: 'State', value: 'Destroyed' }], [gone]],
    [[{ name: 'Cryptographic Length', value: 128 }], [short]],
    [[{ name: 'Cryptographic Usage Mask', value: 4 }], [long]],
    [[{ name: 'Cryptographic Algorithm', value: 'AES' }, nameAttribute('short')], [short]],
    [[nameAttribute('short'), nameAttribute('long')], []],
    [[customAttribute('x-Place', 'here')], [short]],
    [[customAttribute('x-Place', 'there')], []],
    [[{ name: '?Unheard Of', value: { type: 'Integer', value: 1 } }], []],
    [[{ name: 'Unique Identifier', value: long }], [long]],
    [[{ name: 'Unique Identifier', value: '*' }], []],
    [[nameAttribute("' OR 1=1 --")], []],
    [[{ name: 'Initial Date', value: new Date(0) }], []],
    [
      [
        { name: 'Initial Date', value: new Date(0) },
        { name: 'Initial Date', value: new Date(4e12) },
      ],
      [long, short],
    ],
  ];
  for (const [attributes, expected] of cases)
    assert.deepEqual((await client.locate({ attributes })).toSorted(), expected.toSorted(), JSON.stringify(attributes));
  assert.equal((await client.locate({ maximumItems: 1 })).length, 1);
});

test('a Name stands once among the living objects of an owner, and is free for others', async (t) => {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  using client = fixture.client(await fixture.addClient('one'));
  using other = fixture.client(await fixture.addClient('two'));
  const key = { algorithm: 'AES', length: 256, usage: ['Encrypt'], name: 'taken' } as const;
  const id = await client.create(key);
  await assert.rejects(client.create(key), refusedWith('Invalid Field'));
  await other.create(key);
  await client.destroy(id);
  await client.create(key);
});
