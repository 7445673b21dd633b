import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Swtpm, withoutSwtpm } from '@vouchsafe/tpm2/testing/swtpm';
import { parseHostConfig } from '../config/host.ts';
import { pathsOf } from '../config/paths.ts';
import { serveHost } from './serve.ts';

process.env.VOUCHSAFE_LOG_LEVEL = 'silent';

function configOf(folder: string) {
  const lines = [
    'role = "trust-authority"',
    'name = "ta"',
    `state = "${join(folder, 'state')}"`,
    `run = "${join(folder, 'run')}"`,
    'listen = "127.0.0.1:1"',
  ];
  return parseHostConfig(lines.join('\n'));
}

test('a host whose parts do not start ends whole, and leaves nothing that stands in the way of the next', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'host-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const config = configOf(folder);
  const failing = () => ['/bin/false'] as const;
  await assert.rejects(serveHost(config, failing), { kind: 'host.not-ready', message: /ended with exit code 1; see / });
  assert.equal(existsSync(pathsOf(config).admin('host')), false);
  const running = await serveHost(config);
  await assert.rejects(serveHost({ ...config, run: join(folder, 'other') }), {
    kind: 'object.in-use',
    message: /host\/lock: another process holds it/,
  });
  await running.close();
});

test('the CA of a host whose TPM seals its store outlives restarts, and the disk alone opens nothing', {
  skip: withoutSwtpm,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'host-'));
  t.after(() => rmSync(folder, { recursive: true }));
  await using swtpm = await Swtpm.start();
  const config = configOf(folder);
  const paths = pathsOf(config);
  await (await serveHost(config)).close();
  const ca = readFileSync(paths.groupCa, 'utf8');
  const clearKey = readFileSync(paths.key('host'));
  const tpm = `unix:${'path' in swtpm.address ? swtpm.address.path : ''}`;
  for (let start = 0; start < 2; start++) {
    await (await serveHost({ ...config, tpm })).close();
    assert.equal(readFileSync(paths.groupCa, 'utf8'), ca);
    assert.equal(existsSync(paths.key('host')), false);
  }
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const { parentPath, name } of files) assert.ok(!readFileSync(join(parentPath, name)).includes(clearKey), name);
  await using other = await Swtpm.start();
  const theirs = `unix:${'path' in other.address ? other.address.path : ''}`;
  await assert.rejects(serveHost({ ...config, tpm: theirs }), { kind: 'seal.unopened', message: /host\.key\.tpm/ });
  await (await serveHost({ ...config, tpm, seal: 'file' })).close();
  assert.equal(readFileSync(paths.groupCa, 'utf8'), ca);
});

test('a folder of sockets whose path is too long for a socket is named', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'host-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const run = join(folder, 'r'.repeat(100));
  await assert.rejects(serveHost({ ...configOf(folder), run }), {
    kind: 'config.invalid',
    message: /^run: .*r\/host-attestd\.sock is longer than the 107 bytes/,
  });
});

test('what loads code or changes what TLS believes does not reach a part', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'host-'));
  const before = { ...process.env };
  Object.assign(process.env, { LD_BIND_NOW: '1', OPENSSL_CONF: '/dev/null', NODE_EXTRA_CA_CERTS: '/x', TZ: 'UTC' });
  t.after(() => {
    process.env = before;
    rmSync(folder, { recursive: true });
  });
  const config = configOf(folder);
  await assert.rejects(
    serveHost(config, () => ['/usr/bin/env']),
    { kind: 'host.not-ready' },
  );
  const names = readFileSync(pathsOf(config).log('attestd'), 'utf8')
    .split('\n')
    .map((line) => line.split('=')[0]);
  assert.ok(names.includes('TZ') && names.includes('PATH'), names.join(' '));
  for (const name of ['LD_BIND_NOW', 'OPENSSL_CONF', 'NODE_EXTRA_CA_CERTS']) assert.ok(!names.includes(name), name);
});
