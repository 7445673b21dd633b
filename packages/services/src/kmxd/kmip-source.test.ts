import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { readKekHeader } from '@vouchsafe/domain/keys/kek';
import { problem } from '@vouchsafe/domain/testing/problem';
import type { ClientFiles } from '../kms/clients.ts';
import { type KmsFixture, kmsFixture } from '../kms/testing/fixture.ts';
import { defaultProvider, type Provider } from './configuration.ts';
import { KmipSource } from './kmip-source.ts';
import { PrimaryKeys } from './primary-keys.ts';

describe('a primary key that never leaves its key server', () => {
  let fixture: KmsFixture;
  let source: KmipSource;
  let provider: Provider;
  let keys: PrimaryKeys;
  let files: ClientFiles;
  const maker = { scp: 'east', iat: 1_790_000_000 };
  const octets = () => new Uint8Array(32).fill(7);

  before(async () => {
    fixture = await kmsFixture();
    files = await fixture.addClient('ta1');
    using client = fixture.client(files);
    const make = async (usage: ('Encrypt' | 'Decrypt')[]) => {
      const attributes = [{ name: 'Extractable' as const, value: false }];
      const uid = await client.create({ algorithm: 'AES', length: 256, usage, attributes });
      await client.activate(uid);
      return uid;
    };
    const [current, decryptsOnly] = [await make(['Encrypt', 'Decrypt']), await make(['Decrypt'])];
    await assert.rejects(client.get(current), 'the server gives it to nobody');
    provider = {
      ...defaultProvider,
      uses: [...defaultProvider.uses],
      id: '00000000-0000-4000-8000-000000000001',
      name: 'hsm',
      alg: 'A256GCMKW',
      servers: [{ name: 'kms', address: { hostname: fixture.kms.address.host, port: fixture.kms.address.port } }],
      primary_keys: [
        { uid: current, role: 'current' },
        { uid: decryptsOnly, role: 'next' },
      ],
      trusted_certificates: [fixture.kms.authorityPem],
      client_certificate: readFileSync(files.certificate, 'utf8'),
    };
    const secret = (_id: string, name: string) =>
      name === 'client-key' ? Secret.take(readFileSync(files.key)) : undefined;
    source = new KmipSource({ secret }, () => performance.now() / 1000);
    keys = new PrimaryKeys(source, () => performance.now() / 1000);
  });
  after(async () => {
    source.close();
    await fixture.close();
  });

  test('wraps and opens on the server', async () => {
    const key = await keys.current(provider);
    const ct = await key.wrap({ prv: provider.id, ...maker }, octets());
    const { alg, kid } = readKekHeader(ct);
    assert.deepEqual([alg, kid], ['A256GCMKW', provider.primary_keys[0]?.uid]);
    assert.deepEqual(await key.open(ct, (bytes) => Buffer.from(bytes)), Buffer.from(octets()));
  });

  test('is none where memory would hold it', async () => {
    const inMemory: Provider = { ...provider, id: '00000000-0000-4000-8000-000000000002', alg: 'A256KW' };
    await assert.rejects(keys.current(inMemory), problem('kmip.refused'));
  });

  test('a ciphertext that it did not make is refused, and no fault of the server', async () => {
    const key = await keys.current(provider);
    const ct = await key.wrap({ prv: provider.id, ...maker }, octets());
    const parts = ct.split('.');
    const wrapped = Buffer.from(parts[1] ?? '', 'base64url');
    wrapped[0]! ^= 1;
    const forged = [parts[0], wrapped.toString('base64url'), ...parts.slice(2)].join('.');
    await assert.rejects(
      key.open(forged, () => undefined),
      problem('release.refused'),
    );
  });

  test('a key that may not encrypt is told before anything depends on it', async () => {
    await assert.rejects(keys.test(provider, provider.primary_keys[1]?.uid ?? ''), problem('kmip.refused'));
  });

  test('what is revoked on the server opens nothing there, and nothing here', async () => {
    using client = fixture.client(files);
    const { uid = '' } = provider.primary_keys[0] ?? {};
    const key = await keys.current(provider);
    const ct = await key.wrap({ prv: provider.id, ...maker }, octets());
    await client.revoke(uid, { code: 'Cessation of Operation' });
    await keys.poll([provider]);
    await assert.rejects(keys.get(provider, uid, 'wrap'), problem('kmip.key-unusable'));
    await assert.rejects(key.wrap({ prv: provider.id, ...maker }, octets()), problem('kmip.refused'));
    const opener = await keys.get(provider, uid, 'open');
    assert.equal(await opener.open(ct, ([first]) => first), 7);
  });
});
