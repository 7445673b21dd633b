import assert from 'node:assert/strict';
import test from 'node:test';
import { fromHex } from '@vouchsafe/bytes/hex';
import { attributeValue, customAttribute } from '@vouchsafe/kmip/attribute';
import { keyOctets } from '@vouchsafe/kmip/managed-object';
import { activate } from '@vouchsafe/kmip/operations/activate';
import { addAttribute } from '@vouchsafe/kmip/operations/add-attribute';
import { create } from '@vouchsafe/kmip/operations/create';
import { discoverVersions } from '@vouchsafe/kmip/operations/discover-versions';
import { get } from '@vouchsafe/kmip/operations/get';
import { getAttributes } from '@vouchsafe/kmip/operations/get-attributes';
import { query } from '@vouchsafe/kmip/operations/query';
import { asking, requestMessage } from '@vouchsafe/kmip/testing/samples';
import { kmsFixture } from './testing/fixture.ts';
import { rawClient } from './testing/raw-client.ts';

/** vCenter's client library numbers the items of a message from 1, so that ids repeat from message to message. */
const id = (n: number) => fromHex(`514c4b43${n.toString(16).padStart(2, '0')}000000`);

/** Header of version 1.1 with nothing but Batch Count, as vCenter sends it. */
const header = (messageLength: string) =>
  `42007801${messageLength}4200770100000038420069010000002042006a0200000004000000010000000042006b02000000040000000100000000` +
  '42000d02000000040000000100000000';

test('the conversation of a vCenter that makes, labels, fetches and activates a key', async (t) => {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const files = await fixture.addClient('vcenter');
  const connectAs = () => rawClient(fixture.kms.address.port, files);

  const first = await connectAs();
  const bare = fromHex(
    `${header('00000060')}42000f01000000184200 5c05000000040000001e000000004200790100000000`.replace(' ', ''),
  );
  const versions = await first.ask(bare);
  assert.deepEqual(versions.header.version, { major: 1, minor: 1 });
  assert.equal(versions.items[0]?.id, undefined);
  const shared = versions.items[0]!.payload!.as(discoverVersions.response).versions;
  assert.ok(shared.some(({ major, minor }) => major === 1 && minor === 1));

  const numbered = fromHex(
    `${header('00000070')}42000f01000000284200 5c05000000040000001e000000004200930800000008514c4b43010000004200790100000000`.replace(
      ' ',
      '',
    ),
  );
  assert.deepEqual((await first.ask(numbered)).items[0]?.id, id(1));
  const information = await first.ask(
    requestMessage([asking(query, { functions: ['Query Server Information'] }, id(1))]),
  );
  assert.equal(information.items[0]!.payload!.as(query.response).vendor, 'Vouchsafe');
  first.close();

  const second = await connectAs();
  await second.ask(numbered);
  const created = await second.ask(
    requestMessage([
      asking(
        create,
        {
          objectType: 'Symmetric Key',
          template: {
            names: [],
            attributes: [
              { name: 'Cryptographic Algorithm', value: 'AES' },
              { name: 'Cryptographic Usage Mask', value: 12 },
              { name: 'Cryptographic Length', value: 256 },
            ],
          },
        },
        id(1),
      ),
    ]),
  );
  const key = created.items[0]!.payload!.as(create.response).id;
  const unlabelled = await second.ask(
    requestMessage([asking(getAttributes, { id: key, names: ['x-Product_Version'] }, id(1))]),
  );
  assert.equal(unlabelled.items[0]?.status, 'Success');
  assert.deepEqual(unlabelled.items[0]!.payload!.as(getAttributes.response), { id: key, attributes: [] });
  const labels = [
    customAttribute('x-Product_Version', '7.0.3 build-19480866'),
    customAttribute('x-Vendor', 'VMware, Inc.'),
    customAttribute('x-Product', 'VMware vSphere'),
  ];
  const labelled = await second.ask(
    requestMessage(labels.map((attribute, i) => asking(addAttribute, { id: key, attribute }, id(i + 1)))),
  );
  assert.deepEqual(
    labelled.items.map((item) => [item.status, item.id]),
    [1, 2, 3].map((n) => ['Success', id(n)]),
  );
  second.close();

  const third = await connectAs();
  await third.ask(numbered);
  const fetched = await third.ask(requestMessage([asking(get, { id: key }, id(1))]));
  const { object } = fetched.items[0]!.payload!.as(get.response);
  assert.equal(keyOctets(object)?.length, 32);
  assert.equal('block' in object && object.block.length, 256);
  const stateOf = async () => {
    const answer = await third.ask(requestMessage([asking(getAttributes, { id: key, names: ['State'] }, id(1))]));
    return attributeValue(answer.items[0]!.payload!.as(getAttributes.response).attributes, 'State');
  };
  assert.equal(await stateOf(), 'Pre-Active');
  assert.equal((await third.ask(requestMessage([asking(activate, { id: key }, id(1))]))).items[0]?.status, 'Success');
  assert.equal(await stateOf(), 'Active');
  third.close();
});

test('a vCenter that only comes to read the server certificate is not let further, and others are served', async (t) => {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const files = await fixture.addClient('vcenter');
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const reader = await rawClient(fixture.kms.address.port, undefined, { minVersion: version, maxVersion: version });
    assert.ok(reader.socket.getPeerCertificate().raw.length > 0);
    const refused = await reader.ask(requestMessage([asking(discoverVersions, { versions: [] })]));
    assert.equal(refused.items[0]?.reason, 'Authentication Not Successful');
    await reader.ended;
  }
  using client = fixture.client(files);
  assert.ok((await client.discoverVersions()).length > 0);
});
