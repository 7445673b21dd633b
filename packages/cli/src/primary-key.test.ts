import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { kmipClient } from '@vouchsafe/kmip/client/client';
import { addKmsClient, removeKmsClient } from '@vouchsafe/services/kms/clients';
import { type RunningKms, serveKms } from '@vouchsafe/services/kms/serve';
import { makePrimaryKey } from './primary-key.ts';

let folder = '';
let kms: RunningKms;
const server = () => `127.0.0.1:${kms.address.port}`;
const kind = (kind: string) => (error: unknown) => (error as { kind?: string }).kind === kind;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vouchsafe-primary-key-'));
  const dataDir = join(folder, 'kms');
  kms = await serveKms({ dataDir, listen: { host: '127.0.0.1', port: 0 } });
  for (const name of ['ta1', 'gone']) await addKmsClient({ dataDir, name, outDir: folder });
  await removeKmsClient(dataDir, 'gone');
});
after(async () => {
  await kms.close();
  rmSync(folder, { recursive: true });
});

test('a primary key is an active AES-256 key that its maker may read', async () => {
  const uid = await makePrimaryKey({ server: server(), client: 'ta1', certificates: folder });
  using client = kmipClient({
    servers: [{ host: '127.0.0.1', port: kms.address.port, trust: { ca: kms.authorityPem } }],
    certificate: readFileSync(join(folder, 'ta1.crt'), 'utf8'),
    key: createPrivateKey(readFileSync(join(folder, 'ta1.key'))),
  });
  const [state] = await client.getAttributes(uid, ['State']);
  assert.equal(state?.value, 'Active');
  using got = await client.get(uid, { algorithm: 'AES', length: 256 });
  assert.equal(got.material.length, 32);
});

test('a client that was shut out makes none', async () => {
  const order = { server: server(), client: 'gone', certificates: folder };
  await assert.rejects(makePrimaryKey(order), kind('kmip.refused'));
});

test('what is missing or wrong is named, and no key of a file is quoted', async () => {
  const order = { server: server(), client: 'ta1', certificates: folder };
  await assert.rejects(makePrimaryKey({ ...order, client: 'nobody' }), kind('file.unreadable'));
  await assert.rejects(makePrimaryKey({ ...order, server: 'nowhere' }), kind('input.invalid'));
  await assert.rejects(makePrimaryKey({ ...order, server: '127.0.0.1:1' }), kind('kmip.unreachable'));
  writeFileSync(join(folder, 'bad.crt'), readFileSync(join(folder, 'ta1.crt')));
  writeFileSync(join(folder, 'bad.key'), 'canary');
  await assert.rejects(makePrimaryKey({ ...order, client: 'bad' }), (error: Error) => {
    assert.ok(kind('input.malformed')(error) && error.cause === undefined);
    return !error.message.includes('canary');
  });
});
