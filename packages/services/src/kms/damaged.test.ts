import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuthority } from '@vouchsafe/domain/x509/authority';
import { validityFrom } from './authority.ts';
import { serveKms } from './serve.ts';
import { kmsFixture } from './testing/fixture.ts';

/** Files of a key server under its data folder, what is put in their place, and what is said of it. */
const damages: readonly (readonly [file: string, content: () => Promise<string> | string, message: RegExp])[] = [
  ['ca/ca.key', () => 'garbage', /ca\.key: no private key in PEM/],
  ['ca/ca.crt', () => 'garbage', /ca\.crt: no certificate in PEM/],
  [
    'ca/ca.crt',
    async () => (await createAuthority({ name: 'other', ...validityFrom(new Date()) })).certificatePem,
    /ca\.crt: it is not the certificate of .*ca\.key/,
  ],
  ['server/server.pem', () => 'garbage', /server\.pem: no certificate with its private key in PEM/],
  ['root.key', () => 'short', /root\.key: expected 32 octets of key, found 5/],
  ['db/kms.sqlite', () => 'x'.repeat(8192), /kms\.sqlite: it is no database, or damaged/],
];

for (const [file, content, message] of damages) {
  test(`a key server does not start on a damaged file and names it: ${message.source}`, async (t) => {
    const fixture = await kmsFixture();
    t.after(() => fixture.close());
    await fixture.kms.close();
    for (const journal of ['-wal', '-shm']) rmSync(join(fixture.dataDir, file + journal), { force: true });
    writeFileSync(join(fixture.dataDir, file), await content());
    const listen = { host: '127.0.0.1', port: 0 };
    await assert.rejects(serveKms({ dataDir: fixture.dataDir, listen }), { kind: 'file.unreadable', message });
  });
}

test('an address where another process listens is named', async (t) => {
  const [one, two] = [await kmsFixture(), await kmsFixture()];
  t.after(() => Promise.all([one.close(), two.close()]));
  const { host, port } = one.kms.address;
  await two.kms.close();
  await assert.rejects(serveKms({ dataDir: two.dataDir, listen: { host, port } }), {
    kind: 'address.unusable',
    message: `${host}:${port}: another process listens there`,
  });
});
