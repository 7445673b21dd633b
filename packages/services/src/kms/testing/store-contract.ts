import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { type Attribute, customAttribute, nameAttribute } from '@vouchsafe/kmip/attribute';
import type { ManagedObject } from '../managed-object.ts';
import type { KeyStore, KeyTransaction } from '../store.ts';

/** A store to be tested, and the same once more: what another process has of it. */
export interface OpenedStores {
  readonly store: KeyStore;
  readonly other: KeyStore;
}

const time = new Date('2026-01-01T00:00:00Z');

/** A new object of a scope. */
export const newObject = (scope: string, attributes: readonly Attribute[] = []): ManagedObject => ({
  id: randomUUID(),
  scope,
  owner: 'somebody',
  type: 'Symmetric Key',
  state: 'Pre-Active',
  initial: time,
  changed: time,
  attributes,
});

const content = () => Secret.take(randomBytes(56));
const octetsOf = (secret: Secret | undefined) => secret?.use((octets) => Buffer.from(octets).toString('hex'));

/** The ids of what is found, in its order. */
export async function idsOf(tx: KeyTransaction, scope: string, attributes: readonly Attribute[] = []) {
  const ids: string[] = [];
  for await (const { id } of tx.find({ scope, attributes })) ids.push(id);
  return ids;
}

/** What every store of a key server does. */
export function keyStoreContract(
  name: string,
  open: (t: TestContext) => Promise<OpenedStores>,
  skip: string | false = false,
): void {
  const insert = async (store: KeyStore, ...objects: readonly ManagedObject[]) => {
    for (const object of objects) {
      using secret = content();
      await store.transaction((tx) => tx.insert(object, secret));
    }
  };

  describe(`${name}: store of keys`, { skip }, () => {
    test('an object comes back as it was, and its content, for its scope alone', async (t) => {
      const { store, other } = await open(t);
      const attributes: Attribute[] = [
        { name: 'Cryptographic Algorithm', value: 'AES' },
        { name: 'Operation Policy Name', value: 'gone in 2.0' },
        nameAttribute('ü "quoted"'),
        { ...nameAttribute('second'), index: 1 },
        { name: 'x-any', value: { type: 'Byte String', value: Uint8Array.of(0, 1, 2) } },
        { name: '?Unheard Of', value: { type: 'Integer', value: -1 } },
      ];
      const object: ManagedObject = { ...newObject('a', attributes), activation: time, compromiseOccurred: time };
      using secret = content();
      await store.transaction((tx) => tx.insert(object, secret));
      await other.read(async (tx) => {
        const back = await tx.object('a', object.id);
        assert.deepEqual(back, object);
        using held = await tx.content(back!);
        assert.equal(octetsOf(held), octetsOf(secret));
        assert.equal(await tx.object('b', object.id), undefined);
        await assert.rejects(tx.content({ ...back!, scope: 'b' }), /does not open/);
      });
    });

    test('an update changes what is found, and content that was erased is gone', async (t) => {
      const { store } = await open(t);
      const object = newObject('a', [nameAttribute('old'), customAttribute('x-kept', 'same')]);
      await insert(store, object);
      const changed: ManagedObject = {
        ...object,
        state: 'Destroyed',
        destroyed: time,
        attributes: [nameAttribute('new'), customAttribute('x-kept', 'same')],
      };
      await store.transaction(async (tx) => {
        await tx.update(changed);
        await tx.eraseContent(changed);
      });
      await store.read(async (tx) => {
        assert.deepEqual(await tx.object('a', object.id), changed);
        assert.equal(await tx.content(changed), undefined);
        assert.deepEqual(await idsOf(tx, 'a', [nameAttribute('old')]), []);
        assert.deepEqual(await idsOf(tx, 'a', [nameAttribute('new')]), [object.id]);
        assert.deepEqual(await idsOf(tx, 'a', [customAttribute('x-kept', 'same')]), [object.id]);
      });
    });

    test('a search gives the newest first, over many pages, and asks for all attributes', async (t) => {
      const { store } = await open(t);
      const common = customAttribute('x-common', 'all');
      const objects = Array.from({ length: 150 }, (_, i) =>
        newObject('a', [common, nameAttribute(`n${i}`), ...(i % 50 === 0 ? [customAttribute('x-few', 'here')] : [])]),
      );
      await store.transaction(async (tx) => {
        for (const object of objects) await tx.insert(object, undefined);
        await tx.insert(newObject('b', [common]), undefined);
      });
      const newest = objects.map(({ id }) => id).toReversed();
      await store.read(async (tx) => {
        assert.deepEqual(await idsOf(tx, 'a'), newest);
        assert.deepEqual(await idsOf(tx, 'a', [common]), newest);
        assert.deepEqual(await idsOf(tx, 'a', [common, nameAttribute('n7')]), [objects[7]!.id]);
        assert.deepEqual(await idsOf(tx, 'a', [common, customAttribute('x-few', 'here')]), [
          objects[100]!.id,
          objects[50]!.id,
          objects[0]!.id,
        ]);
        assert.deepEqual(await idsOf(tx, 'a', [nameAttribute('n1'), nameAttribute('n2')]), []);
      });
    });

    test('nothing of a transaction that fails stays, and nobody sees one that is not finished', async (t) => {
      const { store, other } = await open(t);
      const object = newObject('a');
      const seen = async () => (await other.read((tx) => tx.object('a', object.id))) !== undefined;
      await assert.rejects(
        store.transaction(async (tx) => {
          await tx.insert(object, undefined);
          assert.equal(await seen(), false);
          throw new Error('stop');
        }),
        /stop/,
      );
      assert.equal(await seen(), false);
      await assert.rejects(
        store.transaction(
          (tx) => tx.insert(object, undefined),
          () => Promise.reject(new Error('no record')),
        ),
        /no record/,
      );
      assert.equal(await seen(), false);
      await insert(store, object);
      assert.equal(await seen(), true);
    });

    test('what fails in a savepoint is undone, and what came before it stays', async (t) => {
      const { store } = await open(t);
      const [one, two, three] = [newObject('a'), newObject('a'), newObject('a')];
      await store.transaction(async (tx) => {
        await tx.insert(one, undefined);
        await assert.rejects(
          tx.savepoint(async () => {
            await tx.insert(two, undefined);
            await tx.insert(one, undefined);
          }),
        );
        await tx.savepoint(() => tx.insert(three, undefined));
      });
      assert.deepEqual(await store.read((tx) => idsOf(tx, 'a')), [three.id, one.id]);
    });

    test('one that fails takes none of its neighbours along', async (t) => {
      const { store } = await open(t);
      const objects = Array.from({ length: 24 }, () => newObject('a'));
      const results = await Promise.allSettled(
        objects.map((object, i) =>
          store.transaction(async (tx) => {
            await tx.insert(object, undefined);
            if (i % 3 === 0) throw new Error('stop');
          }),
        ),
      );
      const stays = objects.filter((_, i) => results[i]!.status === 'fulfilled').map(({ id }) => id);
      assert.equal(stays.length, 16);
      assert.deepEqual((await store.read((tx) => idsOf(tx, 'a'))).toSorted(), stays.toSorted());
    });

    test('of many that do the same to one object at once, in two processes, exactly one succeeds', async (t) => {
      const { store, other } = await open(t);
      const object = newObject('a');
      await insert(store, object);
      const activate = (by: KeyStore) =>
        by.transaction(async (tx) => {
          const now = (await tx.object('a', object.id))!;
          if (now.state !== 'Pre-Active') throw new Error('too late');
          await tx.update({ ...now, state: 'Active', activation: time });
        });
      const results = await Promise.allSettled(Array.from({ length: 16 }, (_, i) => activate(i % 2 ? store : other)));
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
      for (const result of results) if (result.status === 'rejected') assert.match(String(result.reason), /too late/);
    });

    test('a name that may stand once stands once, whoever comes at the same time', async (t) => {
      const { store, other } = await open(t);
      const make = (by: KeyStore) =>
        by.transaction(async (tx) => {
          if ((await idsOf(tx, 'a', [nameAttribute('once')])).length > 0) throw new Error('taken');
          await tx.insert(newObject('a', [nameAttribute('once')]), undefined);
        });
      const results = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => make(i % 2 ? store : other)));
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
      assert.equal((await store.read((tx) => idsOf(tx, 'a', [nameAttribute('once')]))).length, 1);
    });

    test('who reads cannot write', async (t) => {
      const { store } = await open(t);
      await assert.rejects(store.read((tx) => tx.insert(newObject('a'), undefined)));
      assert.deepEqual(await store.read((tx) => idsOf(tx, 'a')), []);
    });

    test('clients are known by any of their certificates, until these or the clients go', async (t) => {
      const { store, other } = await open(t);
      const client = { name: 'one', scope: 's', roles: ['user'], users: ['u'], added: time } as const;
      const certificate = (fingerprint: string) => ({ fingerprint, pem: `pem ${fingerprint}`, added: time });
      await store.transaction(async (tx) => {
        assert.equal(await tx.isScope('s'), false);
        await tx.addClient(client);
        for (const each of ['f1', 'f2']) await tx.addCertificate('one', certificate(each));
        assert.equal(await tx.isScope('s'), true);
      });
      assert.deepEqual(await other.read((tx) => tx.client('f2')), client);
      assert.deepEqual(await other.read((tx) => tx.clients()), [
        { ...client, certificates: [certificate('f1'), certificate('f2')] },
      ]);
      assert.equal(await store.transaction((tx) => tx.removeCertificate('f1')), true);
      assert.equal(await other.read((tx) => tx.client('f1')), undefined);
      assert.equal(await store.transaction((tx) => tx.removeClient('one')), true);
      assert.equal(await store.transaction((tx) => tx.removeClient('one')), false);
      assert.equal(await other.read((tx) => tx.client('f2')), undefined);
    });
  });
}
