import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { problem } from '@vouchsafe/domain/testing/problem';
import { isForbidden } from './forbidden-addresses.ts';
import { checkedUrl, type FetchRules, fetchListed } from './listed-fetch.ts';

const rules: FetchRules = { hosts: ['crl.example'], privateHosts: [], limit: 1000, timeout: 5000 };

test('only addresses of listed hosts are fetched, by http and https alone', () => {
  const refused = [
    'file:///etc/shadow',
    'ldap://crl.example/cn=x',
    'ftp://crl.example/x',
    'gopher://crl.example/x',
    'data:text/plain,x',
    'http://other.example/x',
    'http://crl.example.evil.example/x',
    'http://evil.example/crl.example',
    'http://crl.example@evil.example/',
    'http://user:pass@crl.example/',
    'http://crl.example:8080/x',
    'https://crl.example:22/x',
    'http://169.254.169.254/latest/meta-data',
    'no address',
    '',
  ];
  for (const address of refused) assert.throws(() => checkedUrl(address, rules), problem('fetch.refused'), address);
  for (const address of ['http://crl.example/x', 'https://CRL.example./y', 'http://crl.example:80/z'])
    assert.doesNotThrow(() => checkedUrl(address, rules), address);
  assert.doesNotThrow(() => checkedUrl('http://crl.example:8080/x', { ...rules, hosts: ['crl.example:8080'] }));
});

test('an address in a private network is refused also when it is listed, however it is written', () => {
  const hosts = ['127.0.0.1', '10.1.2.3', '[::1]', '169.254.169.254', '[::ffff:127.0.0.1]', '[fe80::1]', '0.0.0.0'];
  const written = ['127.0.0.1', '0x7f.1', '2130706433', '0177.0.0.1', '10.1.2.3', '[::1]', '169.254.169.254'];
  for (const host of [...written, '[::ffff:7f00:1]', '[fe80::1]', '0'])
    assert.throws(() => checkedUrl(`http://${host}/x`, { ...rules, hosts }), problem('fetch.refused', /private/), host);
  assert.doesNotThrow(() => checkedUrl('http://127.0.0.1/x', { hosts: [], privateHosts: ['127.0.0.1'] }));
  assert.doesNotThrow(() => checkedUrl('http://8.8.8.8/x', { ...rules, hosts: ['8.8.8.8'] }));
});

test('addresses of this host, its link and private networks are known as such', () => {
  for (const bad of ['127.1.2.3', '192.168.0.1', '172.31.0.1', '100.64.0.1', 'fd00::1', 'fe80::1%eth0', '::1', 'x', ''])
    assert.equal(isForbidden(bad), true, bad);
  for (const good of ['8.8.8.8', '172.32.0.1', '2606:4700::1111']) assert.equal(isForbidden(good), false, good);
});

describe('over a server of the test', () => {
  const servers: Server[] = [];
  const asked: string[] = [];
  let port = 0;
  let otherPort = 0;

  const listen = async (listener: RequestListener): Promise<number> => {
    const server = createServer((incoming, answer) => {
      asked.push(`${incoming.headers.host} ${incoming.url}`);
      listener(incoming, answer);
    });
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return (server.address() as AddressInfo).port;
  };

  before(async () => {
    otherPort = await listen((_incoming, answer) => answer.end('secret'));
    const answers: Record<string, (answer: Parameters<RequestListener>[1]) => void> = {
      '/good': (answer) => answer.end('list'),
      '/large': (answer) => answer.end(Buffer.alloc(1001)),
      '/missing': (answer) => answer.writeHead(404).end(),
      '/slow': () => undefined,
      '/again': (answer) => answer.writeHead(302, { location: '/good' }).end(),
      '/circle': (answer) => answer.writeHead(302, { location: '/circle' }).end(),
      '/elsewhere': (answer) => answer.writeHead(302, { location: `http://127.0.0.1:${otherPort}/` }).end(),
      '/name': (answer) => answer.writeHead(302, { location: `http://localhost:${otherPort}/` }).end(),
      '/file': (answer) => answer.writeHead(302, { location: 'file:///etc/shadow' }).end(),
    };
    port = await listen(({ url = '' }, answer) => answers[url]?.(answer));
  });
  after(() => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  });

  const fetching = (path: string, more: Partial<FetchRules> = {}) =>
    fetchListed(`http://127.0.0.1:${port}${path}`, { ...rules, privateHosts: [`127.0.0.1:${port}`], ...more });

  test('what is listed is fetched, over redirects to listed hosts too', async () => {
    assert.equal(Buffer.from(await fetching('/good')).toString(), 'list');
    assert.equal(Buffer.from(await fetching('/again')).toString(), 'list');
  });

  test('redirects elsewhere are not followed', async () => {
    asked.length = 0;
    for (const path of ['/elsewhere', '/name', '/file'])
      await assert.rejects(fetching(path), problem('fetch.refused'), path);
    await assert.rejects(fetching('/circle'), problem('fetch.failed', /more than 3 redirects/));
    assert.deepEqual(
      asked.filter((each) => each.includes(String(otherPort))),
      [],
    );
  });

  test('a listed name that leads to a private address is not asked', async () => {
    asked.length = 0;
    const hosts = [`localhost:${port}`];
    const refused = fetchListed(`http://localhost:${port}/good`, { ...rules, hosts });
    await assert.rejects(refused, problem('fetch.refused', /localhost leads to .*, a private address/));
    assert.deepEqual(asked, []);
    const meant = await fetchListed(`http://localhost:${port}/good`, { ...rules, privateHosts: hosts });
    assert.equal(Buffer.from(meant).toString(), 'list');
  });

  test('size and time are limited, and a refusal of the server is told', async () => {
    await assert.rejects(fetching('/large'), problem('input.too-large'));
    await assert.rejects(fetching('/missing'), problem('fetch.failed', /404/));
    await assert.rejects(fetching('/slow', { timeout: 300 }), problem('fetch.failed', /no answer in time/));
    await assert.rejects(
      fetchListed('http://127.0.0.1:1/', { ...rules, privateHosts: ['127.0.0.1:1'] }),
      problem('fetch.failed'),
    );
  });
});
