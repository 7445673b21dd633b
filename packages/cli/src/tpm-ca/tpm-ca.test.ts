import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { caExtensions, extension, make, makeCrl, makeEk, type Wanted } from '@vouchsafe/domain/testing/certificates';
import { der, oid, sequence } from '@vouchsafe/domain/testing/der';
import { testTime } from '@vouchsafe/domain/testing/group';
import { certificatePem } from '@vouchsafe/domain/x509/pem-blocks';
import { AttestationConfiguration } from '@vouchsafe/services/attestd/configuration';
import { caCertificates } from '@vouchsafe/services/attestd/operations/ca-certificates';
import type { AttestdContext } from '@vouchsafe/services/attestd/operations/context';
import { crls } from '@vouchsafe/services/attestd/operations/crls';
import { intermediates } from '@vouchsafe/services/attestd/operations/intermediates';
import { settings } from '@vouchsafe/services/attestd/operations/settings';
import { httpServer, type Listening, listenOnSocket } from '@vouchsafe/services/http/server';
import { routesOf } from '@vouchsafe/services/management/operation';
import { logger } from '@vouchsafe/services/part';
import { ConfigStore } from '@vouchsafe/store/config-store';
import { fileSealer } from '@vouchsafe/store/seal';

const main = resolve(import.meta.dirname, '../main.ts');
const corpus = process.env.VOUCHSAFE_CORPUS;
let folder = '';
let store: ConfigStore;
let attestd: Listening;
let configuration: AttestationConfiguration;
let maker: Server;
let files: Record<string, Uint8Array> = {};
let asked: string[] = [];
let port = 0;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vouchsafe-tpm-ca-'));
  store = ConfigStore.open(join(folder, 'attestd.db'), fileSealer(join(folder, 'key')));
  configuration = new AttestationConfiguration(store);
  const now = () => new Date(testTime * 1000);
  const context = { configuration, store, audit: () => undefined, now } as unknown as AttestdContext;
  const operations = [caCertificates, intermediates, crls, settings].flatMap((each) => each(context));
  attestd = await listenOnSocket(
    httpServer(routesOf(operations), logger('attestd')),
    join(folder, 'attestd-admin.sock'),
  );
  [files, asked] = [{}, []];
  maker = createServer(({ url = '' }, answer) => {
    asked.push(url);
    const file = files[url];
    if (file === undefined) answer.writeHead(404).end();
    else answer.end(file);
  });
  await new Promise<void>((done) => maker.listen(0, '127.0.0.1', done));
  port = (maker.address() as AddressInfo).port;
});
afterEach(async () => {
  maker.closeAllConnections();
  maker.close();
  await attestd.close();
  store[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const vouchsafe = (...args: string[]): Promise<Ran> =>
  new Promise((done) => {
    execFile(process.execPath, [main, '--run', folder, ...args], { encoding: 'utf8' }, (error, out, err) =>
      done({ code: Number(error?.code ?? 0), out, err }),
    );
  });

const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

const uri = (path: string) => der(0x86, new TextEncoder().encode(`http://127.0.0.1:${port}${path}`));
/** An authority that says where its list and its issuer can be fetched. */
const pointing = (subject: string, wanted: Partial<Wanted>) =>
  make({
    subject,
    ...wanted,
    extensions: [
      ...caExtensions,
      extension('2.5.29.31', false, sequence(sequence(der(0xa0, der(0xa0, uri('/root.crl')))))),
      extension('1.3.6.1.5.5.7.1.1', false, sequence(sequence(oid('1.3.6.1.5.5.7.48.2'), uri('/issuer.crt')))),
    ],
  });

test('the bundle of the makers is imported in one command, shown, listed, and deleted', {
  skip: corpus === undefined && 'VOUCHSAFE_CORPUS is not set',
}, async () => {
  const bundle = ['roots', 'intermediates'].map((name) => join(String(corpus), 'certs', `tpm-vendor-${name}.pem`));
  const tried = await vouchsafe('tpm-ca', 'import', ...bundle, '--dry-run');
  assert.deepEqual([tried.code, configuration.trust.authorities()], [0, []]);
  const done = await vouchsafe('tpm-ca', 'import', ...bundle);
  assert.equal(done.code, 0, done.err);
  assert.match(done.err, /24 roots and 145 intermediates imported, 0 skipped/);
  assert.match(done.out, /amdtpm-ecc: .*\n *amdtpm-rsa: |amdtpm/);
  assert.match(done.out, /amd-pluton-global-factory-ica: .*; another CA issued it, which is not here/);
  const again = await vouchsafe('tpm-ca', 'import', ...bundle, '-o', 'json');
  assert.equal(JSON.parse(again.out).skipped.length, 169);
  assert.equal(again.code, 0);
  const listed = await vouchsafe('tpm-ca', 'list', '-o', 'name');
  assert.equal(listed.out.trim().split('\n').length, 24);
  const shown = await vouchsafe('tpm-ca', 'show', 'stsafe-ecc-root-ca-02');
  assert.match(shown.out, /CN=STSAFE ECC Root CA 02/);
  assert.equal(JSON.parse((await vouchsafe('tpm-ca', 'list', '--intermediates', '-o', 'json')).out).length, 145);
  assert.equal((await vouchsafe('tpm-ca', 'delete', 'stsafe-ecc-root-ca-02')).code, 0);
  assert.equal((await vouchsafe('tpm-ca', 'delete', 'stsafe-ecc-root-ca-02')).code, 1);
});

test('what cannot be imported is told with its reason', async () => {
  const root = make({ subject: 'Root' });
  const leaf = makeEk(root);
  const refused = await vouchsafe('tpm-ca', 'import', file('leaf.der', leaf.der));
  assert.equal(refused.code, 1);
  assert.match(refused.out, /CN=tpm: it is no CA; a single TPM is listed as endorsement key/);
  assert.equal((await vouchsafe('tpm-ca', 'import', file('none.pem', 'nothing'))).code, 1);
  assert.equal((await vouchsafe('tpm-ca', 'import', join(folder, 'absent.pem'))).code, 1);
  const virtual = await vouchsafe('tpm-ca', 'import', '--virtual', file('root.pem', certificatePem(root.der)));
  assert.equal(virtual.code, 0, virtual.err);
  assert.match((await vouchsafe('tpm-ca', 'list')).out, /root +virtual/);
});

test('revocation lists are loaded from files, PEM or DER, and listed', async () => {
  const root = make({ subject: 'Root' });
  await vouchsafe('tpm-ca', 'import', file('root.der', root.der));
  const list = makeCrl({ by: root, revoked: [makeEk(root)] });
  const pem = `-----BEGIN X509 CRL-----\n${Buffer.from(list).toString('base64')}\n-----END X509 CRL-----\n`;
  for (const content of [list, pem]) {
    const added = await vouchsafe('tpm-ca', 'crl', 'add', file('root.crl', content));
    assert.equal(added.code, 0, added.err);
  }
  const listed = JSON.parse((await vouchsafe('tpm-ca', 'crl', 'list', '-o', 'json')).out);
  assert.deepEqual(
    listed.map(({ issuer, revoked }: { issuer: string; revoked: number }) => [issuer, revoked]),
    [['CN=Root', 1]],
  );
  assert.equal((await vouchsafe('tpm-ca', 'crl', 'add', file('x.crl', 'x'))).code, 1);
  assert.equal((await vouchsafe('tpm-ca', 'crl', 'delete', listed[0].name)).code, 0);
  assert.equal(configuration.trust.crls().length, 0);
});

test('the command fetches from listed hosts alone, and shows what it fetched', async () => {
  const top = make({ subject: 'Top' });
  const root = make({ subject: 'Root' });
  const middle = make({ subject: 'Middle', by: root });
  const issuer = pointing('Issuer', { by: middle });
  for (const each of [root, top])
    configuration.trust.import(configuration.trust.plan([each.der], { now: testTime }), false);
  store.put('tpm2/intermediates', issuer.certificate.fingerprint, { certificate: certificatePem(issuer.der) });
  configuration.trust.forget();
  files = { '/root.crl': makeCrl({ by: middle }), '/issuer.crt': middle.der };
  const unlisted = await vouchsafe('tpm-ca', 'update');
  assert.equal(unlisted.code, 0, unlisted.err);
  assert.match(unlisted.out, /left out +its host is not listed: --host 127\.0\.0\.1:\d+/);
  const listed = await vouchsafe('tpm-ca', 'update', '--host', `127.0.0.1:${port}`);
  assert.equal(listed.code, 2);
  assert.match(listed.out, /failed +.*127\.0\.0\.1 is a private address/);
  const dry = await vouchsafe('tpm-ca', 'update', '--private-host', `127.0.0.1:${port}`, '--dry-run');
  assert.match(dry.out, /would be fetched/);
  assert.deepEqual(asked, []);
  const done = await vouchsafe('tpm-ca', 'update', '--private-host', `127.0.0.1:${port}`, '-o', 'json');
  assert.equal(done.code, 0, done.err);
  assert.deepEqual(asked.toSorted(), ['/issuer.crt', '/root.crl']);
  assert.deepEqual(
    JSON.parse(done.out).map(({ outcome }: { outcome: string }) => outcome),
    ['loaded', 'loaded'],
  );
  assert.equal(configuration.trust.crls().length, 1);
  assert.equal(configuration.trust.intermediates().length, 2);
});

test('a root that is fetched is not pinned, and an address that was not listed is not asked', async () => {
  const root = make({ subject: 'Evil Root' });
  files = { '/evil.crt': root.der };
  const url = `http://127.0.0.1:${port}/evil.crt`;
  const refused = await vouchsafe('tpm-ca', 'update', '--url', url);
  assert.equal(refused.code, 4);
  for (const other of ['file:///etc/shadow', 'http://169.254.169.254/latest/meta-data/'])
    assert.equal((await vouchsafe('tpm-ca', 'update', '--host', '169.254.169.254', '--url', other)).code, 4, other);
  assert.deepEqual(asked, []);
  const fetched = await vouchsafe('tpm-ca', 'update', '--private-host', `127.0.0.1:${port}`, '--url', url);
  assert.equal(fetched.code, 0, fetched.err);
  assert.match(fetched.out, /nothing new +it is a root: import it from a file/);
  assert.deepEqual(configuration.trust.authorities(), []);
});
