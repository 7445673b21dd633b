import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { writeChecksums } from '@vouchsafe/domain/attestation/ima/checksum-lines';
import { problem } from '@vouchsafe/domain/testing/problem';
import { filesOfPackage } from './debian/package-files.ts';
import { readWanted } from './debian/wanted.ts';
import { type FromPackages, listOfPackages } from './from-packages.ts';
import { TestArchive } from './testing/archive.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const long = `/usr/share/${'a'.repeat(90)}/${'b'.repeat(120)}`;
const tool = { '/bin/tool': 'tool 1', '/usr/lib/tool/part\\x2d1': 'part', [long]: 'long' };

describe('a list of Debian packages', () => {
  let archive: TestArchive;
  before(async () => {
    archive = await TestArchive.create();
    await archive.addPackage({
      name: 'tool',
      version: '1.0-1',
      files: tool,
      links: { '/usr/lib/tool/same': '/bin/tool' },
    });
    await archive.addPackage({ name: 'tool', version: '2.0-1', files: { '/bin/tool': 'tool 2' } });
    await archive.addPackage({ name: 'other', version: '1', files: { '/opt/other': 'other' } });
  });
  after(async () => await archive?.[Symbol.asyncDispose]());

  const input = (wanted: string, change: Partial<FromPackages> = {}): FromPackages => ({
    wanted: readWanted('wanted', wanted),
    mirror: archive.root,
    keyring: archive.keyring('good'),
    suites: ['stable'],
    components: [],
    architecture: 'amd64',
    now: new Date('2026-06-01'),
    progress: () => undefined,
    ...change,
  });
  const untrusted = problem('archive.untrusted');

  test('has the files of the wanted versions, where packages have them and where a merged /usr has them', async () => {
    await archive.publish();
    const { lines, missing, packages } = await listOfPackages(input('tool:amd64\t1.0-1\nabsent 3\n'));
    assert.equal(
      writeChecksums(lines),
      writeChecksums([
        { path: '/bin/tool', digest: sha256('tool 1') },
        { path: '/usr/bin/tool', digest: sha256('tool 1') },
        { path: '/usr/lib/tool/part\\x2d1', digest: sha256('part') },
        { path: '/usr/lib/tool/same', digest: sha256('tool 1') },
        { path: long, digest: sha256('long') },
      ]),
    );
    assert.deepEqual([packages, missing.map(({ name }) => name)], [1, ['absent']]);
  });

  test('has all versions of a package that is wanted by its name', async () => {
    await archive.publish({ byHash: true });
    const { lines } = await listOfPackages(input('tool\nother\n'));
    const digests = lines.map(({ digest }) => digest);
    for (const text of ['tool 1', 'tool 2', 'other']) assert.ok(digests.includes(sha256(text)), text);
  });

  test('takes an archive whose signature lies beside its Release file, and none without signature', async () => {
    await archive.publish({ detached: true });
    assert.equal((await listOfPackages(input('other'))).packages, 1);
    await rename(join(archive.root, 'dists/stable/Release.gpg'), join(archive.root, 'dists/stable/gone'));
    await assert.rejects(listOfPackages(input('other')), untrusted);
  });

  test('is refused when somebody else signed', async () => {
    await archive.publish({ signer: 'other' });
    await assert.rejects(listOfPackages(input('other')), untrusted);
    const trusting = input('other', { keyring: archive.keyring('other') });
    assert.equal((await listOfPackages(trusting)).packages, 1, 'with that key in the keyring it is taken');
  });

  test('is refused when the Release file was changed', async () => {
    await archive.publish();
    const file = join(archive.root, 'dists/stable/InRelease');
    await writeFile(file, (await readFile(file, 'utf8')).replace('Components: main', 'Components: evil'));
    await assert.rejects(listOfPackages(input('other')), untrusted);
  });

  test('does not read what stands around the signed text', async () => {
    await archive.publish();
    const file = join(archive.root, 'dists/stable/InRelease');
    const signed = await readFile(file, 'utf8');
    const evil = `Suite: stable\nDate: x\nComponents: main\nSHA256:\n ${'0'.repeat(64)} 1 main/binary-amd64/Packages.gz\n\n`;
    for (const text of [evil + signed, `${signed}\n${evil}`]) {
      await writeFile(file, text);
      const outcome = await listOfPackages(input('other')).catch((error: unknown) => error);
      if (outcome instanceof Error) assert.ok(untrusted(outcome));
      else assert.equal((outcome as { packages: number }).packages, 1);
    }
  });

  test('is refused when the Release file is of another suite, or its time is over', async () => {
    await archive.publish({ suite: 'oldstable' });
    await assert.rejects(listOfPackages(input('other')), untrusted);
    await archive.publish({ fields: 'Valid-Until: Fri, 01 May 2026 00:00:00 UTC\n' });
    await assert.rejects(listOfPackages(input('other')), untrusted);
    assert.equal((await listOfPackages(input('other', { now: new Date('2026-04-01') }))).packages, 1);
  });

  test('is refused when index or package are not those that were vouched for', async () => {
    await archive.publish();
    const index = join(archive.root, 'dists/stable/main/binary-amd64/Packages.gz');
    await appendFile(index, 'x');
    await assert.rejects(listOfPackages(input('other')), untrusted);
    await archive.publish();
    const path = await archive.addPackage({ name: 'victim', version: '1', files: { '/opt/victim': 'good' } });
    await archive.publish();
    await archive.addPackage({ name: 'victim', version: '1', files: { '/opt/victim': 'evil' } });
    await assert.rejects(listOfPackages(input('victim')), untrusted);
    const { lines } = await filesOfPackage(join(archive.root, path));
    assert.equal(lines[0]?.digest, sha256('evil'), 'who asked nobody would have taken it');
  });

  test('does not take a package from a cache that was changed', async () => {
    await archive.publish();
    const cache = join(archive.root, 'cache');
    await mkdir(cache);
    const { lines } = await listOfPackages(input('other', { cache }));
    const { readdir } = await import('node:fs/promises');
    const [deb] = (await readdir(cache)).filter((name) => name.endsWith('.deb'));
    await writeFile(join(cache, deb!), 'evil');
    assert.deepEqual((await listOfPackages(input('other', { cache }))).lines, lines);
  });

  test('comes over http, redirected as mirrors do, and what is not there is said', async () => {
    await archive.publish();
    const asked: string[] = [];
    await using server = createServer(async (request, response) => {
      asked.push(request.url!);
      if (request.url!.startsWith('/redirected/')) {
        response.writeHead(302, { location: request.url!.replace('/redirected/', '/') }).end();
        return;
      }
      const body = await readFile(join(archive.root, request.url!)).catch(() => undefined);
      response.writeHead(body === undefined ? 404 : 200).end(body);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { lines } = await listOfPackages(input('other', { mirror: `${base}/redirected` }));
    assert.deepEqual(lines, [{ path: '/opt/other', digest: sha256('other') }]);
    assert.ok(asked.includes('/dists/stable/InRelease'));
    await assert.rejects(
      listOfPackages(input('other', { mirror: `${base}/nothing` })),
      problem('archive.unreachable', /no suite stable/),
    );
    await assert.rejects(
      listOfPackages(input('other', { mirror: 'http://127.0.0.1:1/' })),
      problem('archive.unreachable'),
    );
    await assert.rejects(listOfPackages(input('other', { mirror: 'ftp://127.0.0.1/' })), problem('input.invalid'));
  });

  test('a keyring in ASCII armour is told how to become one', async () => {
    const armoured = join(archive.root, 'armoured.asc');
    await writeFile(armoured, '-----BEGIN PGP PUBLIC KEY BLOCK-----\n');
    await archive.publish();
    await assert.rejects(listOfPackages(input('other', { keyring: armoured })), /gpg --dearmor/);
    await assert.rejects(listOfPackages(input('other', { keyring: '/nonexistent' })), problem('file.unreadable'));
  });
});
