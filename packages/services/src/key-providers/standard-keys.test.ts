import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import type { ProviderEvent } from '@vouchsafe/domain/keys/provider-events';
import { problem } from '@vouchsafe/domain/testing/problem';
import { customAttribute } from '@vouchsafe/kmip/attribute';
import type { KeyServer } from '@vouchsafe/kmip/client/client';
import { kmsFixture } from '../kms/testing/fixture.ts';
import { pykmipServer, withoutPykmip } from '../kms/testing/pykmip-server.ts';
import { StandardKeys } from './standard-keys.ts';

const maker = { vendor: 'Vouchsafe', product: 'Vouchsafe', version: '0.1.0' };
const vm = { component: 'Virtual Machine', name: 'web1', identifier: randomUUID() } as const;
const aes256 = { algorithm: 'AES', length: 256, usage: ['Encrypt', 'Decrypt'] } as const;

interface Peer {
  readonly client: KeyServer;
  readonly stranger: KeyServer;
  /** The server is gone; what is asked of it afterwards gets no answer. */
  stop(): Promise<void>;
}

const embedded = async (): Promise<Peer> => {
  const fixture = await kmsFixture();
  const client = fixture.client(await fixture.addClient('center'));
  const stranger = fixture.client(await fixture.addClient('somebody'));
  return { client, stranger, stop: fixture.close };
};
const pykmip = async (): Promise<Peer> => {
  const server = await pykmipServer();
  return { client: await server.client('one'), stranger: await server.client('two'), stop: server.close };
};

for (const [name, start, skip, labels] of [
  ['the embedded key server', embedded, false, true],
  ['PyKMIP, which keeps no custom attributes', pykmip, withoutPykmip, false],
] as const) {
  describe(`keys of a standard provider on ${name}`, { skip }, () => {
    test('their whole life, and what is told of it', async () => {
      const peer = await start();
      const events: ProviderEvent[] = [];
      const told = () => events.splice(0).map(({ id }) => id);
      const keys = new StandardKeys({
        provider: 'hsm',
        server: peer.client,
        maker,
        tell: (event) => events.push(event),
      });
      try {
        using made = await keys.make();
        assert.deepEqual([made.state, made.key.length], ['Active', 32]);
        assert.deepEqual(told(), labels ? [] : ['key.unlabelled']);
        using found = await keys.find(made.id);
        assert.ok(made.key.equals(found.key), 'found again by its id');

        await keys.label(made.id, vm);
        await keys.label(made.id, vm);
        assert.deepEqual([...new Set(told())], labels ? [] : ['key.unlabelled']);
        if (labels) {
          const attributes = await peer.client.getAttributes(made.id, [
            'x-Vendor',
            'x-Product',
            'x-Product_Version',
            'x-Component',
            'x-Name',
            'x-Identifier',
          ]);
          assert.deepEqual(
            Object.fromEntries(attributes.map(({ name: each, value }) => [each, (value as { value: unknown }).value])),
            {
              'x-Vendor': 'Vouchsafe',
              'x-Product': 'Vouchsafe',
              'x-Product_Version': '0.1.0',
              'x-Component': 'Virtual Machine',
              'x-Name': 'web1',
              'x-Identifier': vm.identifier,
            },
          );
        }

        // A key of another product is none of ours, one that nobody uses is.
        await peer.client.create(labels ? { ...aes256, attributes: [customAttribute('x-Product', 'Other')] } : aes256);
        using spare = await keys.make();
        told();
        assert.deepEqual(await keys.unused(new Set([made.id])).catch(() => []), labels ? [spare.id] : []);

        const preActive = await peer.client.create(aes256);
        using activated = await keys.find(preActive);
        assert.equal(activated.state, 'Active');

        await peer.client.revoke(made.id, { code: 'Cessation of Operation' });
        using deactivated = await keys.find(made.id);
        assert.deepEqual([deactivated.state, deactivated.key.equals(made.key)], ['Deactivated', true]);
        assert.deepEqual(told(), ['key.not-active']);

        await peer.client.destroy(made.id);
        await assert.rejects(keys.find(made.id), problem('kmip.key-missing', new RegExp(made.id)));
        assert.deepEqual(told(), ['key.missing']);
        const foreign = await peer.stranger.create(aes256);
        await assert.rejects(keys.find(foreign), (error) =>
          /kmip\.(key-missing|refused)/.test((error as { kind: string }).kind),
        );
        told();

        await peer.stop();
        assert.equal(await keys.reachable(), false);
        await assert.rejects(keys.find(spare.id), problem('kmip.unreachable', /hsm/));
        await assert.rejects(keys.make(), problem('kmip.unreachable'));
        const all = [...events];
        assert.deepEqual(told(), ['provider.unreachable', 'key.server-unreachable', 'key.generate-failed']);
        const spoken = inspect(all, { depth: 9 });
        for (const as of ['hex', 'base64'] as const)
          assert.ok(!spoken.includes(spare.key.use((bytes) => Buffer.from(bytes).toString(as))));
      } finally {
        peer.client.close();
        peer.stranger.close();
        await peer.stop().catch(() => undefined);
      }
    });
  });
}
