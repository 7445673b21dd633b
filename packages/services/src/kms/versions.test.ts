import assert from 'node:assert/strict';
import test from 'node:test';
import { type Attribute, attributeValue, customAttribute, nameAttribute } from '@vouchsafe/kmip/attribute';
import { keyOctets } from '@vouchsafe/kmip/managed-object';
import { activate } from '@vouchsafe/kmip/operations/activate';
import { addAttribute } from '@vouchsafe/kmip/operations/add-attribute';
import { create } from '@vouchsafe/kmip/operations/create';
import { get } from '@vouchsafe/kmip/operations/get';
import { getAttributes } from '@vouchsafe/kmip/operations/get-attributes';
import { locate } from '@vouchsafe/kmip/operations/locate';
import type { Operation } from '@vouchsafe/kmip/operations/operation';
import { asking, requestMessage } from '@vouchsafe/kmip/testing/samples';
import { versions, versionText } from '@vouchsafe/kmip/version';
import { kmsFixture } from './testing/fixture.ts';
import { rawClient } from './testing/raw-client.ts';

const aes256: Attribute[] = [
  { name: 'Cryptographic Algorithm', value: 'AES' },
  { name: 'Cryptographic Length', value: 256 },
  { name: 'Cryptographic Usage Mask', value: 12 },
];

test('the same key is made, named, found, activated and fetched in every version', async (t) => {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const files = await fixture.addClient('versions');
  for (const version of versions)
    await t.test(versionText(version), async () => {
      const client = await rawClient(fixture.kms.address.port, files);
      async function ask<Request, Response>(of: Operation<Request, Response>, request: Request): Promise<Response> {
        const answer = await client.ask(requestMessage([asking(of, request)], {}, version));
        assert.deepEqual(answer.header.version, version);
        assert.equal(answer.items[0]?.status, 'Success', answer.items[0]?.message);
        return answer.items[0].payload!.as(of.response);
      }
      const named = nameAttribute(`key of ${versionText(version)}`);
      const label = customAttribute('x-Version', versionText(version));
      const template = { names: [], attributes: [...aes256, named] };
      const { id } = await ask(create, { objectType: 'Symmetric Key', template });
      await ask(addAttribute, { id, attribute: label });
      assert.deepEqual((await ask(locate, { attributes: [named, label] })).ids, [id]);
      await ask(activate, { id });
      const { attributes } = await ask(getAttributes, { id, names: [] });
      assert.equal(attributeValue(attributes, 'State'), 'Active');
      assert.deepEqual(attributes.find(({ name }) => name === 'x-Version')?.value, label.value);
      assert.equal(keyOctets((await ask(get, { id })).object)?.length, 32);
      client.close();
    });
});
