import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import { attributeValue, customAttribute } from '../attribute.ts';
import type { KeyServer } from '../client/client.ts';
import { KmipError } from '../error.ts';

/** A key server to be tested and how it is stopped. */
export interface OpenedServer {
  /** A client that may make keys. */
  readonly client: KeyServer;
  /** Another client, which must not reach the first one's keys. */
  readonly stranger: KeyServer;
  close(): Promise<void>;
}

const aes256 = { algorithm: 'AES', length: 256, usage: ['Encrypt', 'Decrypt'] } as const;

/** Fails with this reason. */
export const refusedWith =
  (...reasons: string[]) =>
  (error: unknown) => {
    assert.ok(error instanceof KmipError, String(error));
    assert.equal(error.code, 'operation.failed', error.message);
    assert.ok(reasons.includes(String(error.reason)), `${error.reason} is not one of ${reasons.join(', ')}`);
    return true;
  };

/** What every key server must do for our client, whoever made it. */
export function keyServerContract(
  name: string,
  open: () => Promise<OpenedServer>,
  skip: string | false = false,
  /** Custom attributes are optional in the standard. */
  features: { readonly customAttributes: boolean } = { customAttributes: true },
): void {
  test(`${name}: key server contract`, { skip }, async (t) => {
    const { client, stranger, close } = await open();
    t.after(async () => {
      client.close();
      stranger.close();
      await close();
    });

    await t.test('says which versions and operations it has', async () => {
      assert.ok((await client.discoverVersions()).some(({ major, minor }) => major === 1 && minor >= 1));
      const { operations } = await client.query();
      for (const operation of ['Create', 'Get', 'Locate', 'Activate', 'Revoke', 'Destroy'])
        assert.ok(operations.includes(operation), operation);
    });

    await t.test('makes different keys and gives each back the same every time', async () => {
      const ids = [await client.create(aes256), await client.create(aes256)];
      using first = await client.get(ids[0]!, aes256);
      using again = await client.get(ids[0]!, aes256);
      using second = await client.get(ids[1]!, aes256);
      assert.ok(first.material.equals(again.material));
      assert.ok(!first.material.equals(second.material));
      assert.equal(first.length, 256);
    });

    await t.test('a new key is Pre-Active and can be fetched so; Activate makes it Active, once', async () => {
      const id = await client.create(aes256);
      assert.equal(attributeValue(await client.getAttributes(id, ['State']), 'State'), 'Pre-Active');
      (await client.get(id))[Symbol.dispose]();
      await client.activate(id);
      assert.equal(attributeValue(await client.getAttributes(id, ['State']), 'State'), 'Active');
      await assert.rejects(client.activate(id), refusedWith('Permission Denied', 'Illegal Operation'));
    });

    await t.test('Locate finds exactly the key of this name', async () => {
      const named = randomUUID();
      const id = await client.create({ ...aes256, name: named });
      await client.create({ ...aes256, name: randomUUID() });
      assert.deepEqual(await client.locate({ name: named }), [id]);
      assert.deepEqual(await client.locate({ name: randomUUID() }), []);
    });

    await t.test('an Active key cannot be destroyed; a revoked one can, and is gone', async () => {
      const id = await client.create(aes256);
      await client.activate(id);
      await assert.rejects(client.destroy(id), refusedWith('Permission Denied'));
      await client.revoke(id, { code: 'Cessation of Operation' });
      assert.equal(attributeValue(await client.getAttributes(id, ['State']), 'State'), 'Deactivated');
      await client.destroy(id);
      await assert.rejects(client.get(id), refusedWith('Item Not Found'));
    });

    await t.test('a compromised key says so', async () => {
      const id = await client.create(aes256);
      await client.activate(id);
      await client.revoke(id, { code: 'Key Compromise', compromisedAt: new Date('2026-01-01') });
      assert.equal(attributeValue(await client.getAttributes(id, ['State']), 'State'), 'Compromised');
    });

    await t.test('lists the attributes of a key', async () => {
      const id = await client.create({ ...aes256, name: randomUUID() });
      const names = await client.getAttributeList(id);
      for (const each of ['Unique Identifier', 'Name', 'State', 'Cryptographic Length'])
        assert.ok(names.includes(each), each);
    });

    await t.test('a custom attribute is kept and found', { skip: !features.customAttributes }, async () => {
      const id = await client.create(aes256);
      const value = randomUUID();
      await client.addAttribute(id, customAttribute('x-Product', value));
      const [attribute] = await client.getAttributes(id, ['x-Product']);
      assert.deepEqual(attribute?.value, { type: 'Text String', value });
      assert.deepEqual(await client.locate({ attributes: [customAttribute('x-Product', value)] }), [id]);
    });

    await t.test('what does not exist is not found', async () => {
      const id = randomUUID();
      await assert.rejects(client.get(id), refusedWith('Item Not Found'));
      await assert.rejects(client.destroy(id), refusedWith('Item Not Found'));
    });

    await t.test('another client cannot fetch, change or destroy a key', async () => {
      const id = await client.create(aes256);
      const denied = refusedWith('Item Not Found', 'Permission Denied');
      await assert.rejects(stranger.get(id), denied);
      await assert.rejects(stranger.activate(id), denied);
      await assert.rejects(stranger.destroy(id), denied);
      (await client.get(id))[Symbol.dispose]();
    });
  });
}
