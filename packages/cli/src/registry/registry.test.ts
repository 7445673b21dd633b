import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { BootHistories } from '@vouchsafe/services/attestd/boot-histories';
import { AttestationConfiguration } from '@vouchsafe/services/attestd/configuration';
import { registry } from '@vouchsafe/services/attestd/operations/registry';
import { httpServer, type Listening, listenOnSocket } from '@vouchsafe/services/http/server';
import { routesOf } from '@vouchsafe/services/management/operation';
import { logger } from '@vouchsafe/services/part';
import { ConfigStore } from '@vouchsafe/store/config-store';
import { fileSealer } from '@vouchsafe/store/seal';

const main = resolve(import.meta.dirname, '../main.ts');
const [a, b, c, d] = ['ab', 'cd', 'ce', 'cf'].map((byte) => byte.repeat(32)) as [string, string, string, string];
const ak = `000b${'11'.repeat(32)}`;
let folder = '';
let store: ConfigStore;
let attestd: Listening;
let configuration: AttestationConfiguration;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vouchsafe-registry-'));
  store = ConfigStore.open(join(folder, 'attestd.db'), fileSealer(join(folder, 'key')));
  configuration = new AttestationConfiguration(store);
  const boots = new BootHistories(store);
  const context = { configuration, boots, store, audit: () => undefined, now: () => new Date(0) };
  const server = httpServer(routesOf(registry(context)), logger('attestd'));
  attestd = await listenOnSocket(server, join(folder, 'attestd-admin.sock'));
});
afterEach(async () => {
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

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const hosts = () => configuration.hosts().map(({ ek, name, scope, state }) => [ek, name, scope, state]);
const waits = (ek: string, more: object = {}) =>
  configuration.addPending({ ek, tpm: 'hardware', image: 'golden', since: '1970-01-01T00:00:00.000Z', ...more });

test('an inventory is tried, refused with its lines, and taken in whole', async () => {
  const good = file('good.csv', `name,scope,ek\nkvm1,east,${a}\nkvm1,east,${b}\nkvm2,,${c}\n`);
  const tried = await vouchsafe('ek', 'approve', '--file', good, '--scope', 'west', '--dry-run');
  assert.deepEqual([tried.code, hosts()], [0, []]);
  assert.match(tried.err, /3 would be approved, 0 were so already/);
  const bad = await vouchsafe('ek', 'approve', '--file', file('bad.csv', `name,ek\nkvm1,${a}\n../x,${b}\nkvm2,${a}\n`));
  assert.deepEqual([bad.code, hosts()], [1, []]);
  assert.match(bad.err, /2 entries are wrong, so nothing was approved:\n {2}line 3: name: .*\n {2}line 4: the same/);
  const done = await vouchsafe('ek', 'approve', '--file', good, '--scope', 'west', '-o', 'json');
  assert.equal(JSON.parse(done.out).length, 3);
  assert.deepEqual(hosts(), [
    [a, 'kvm1', 'east', 'approved'],
    [b, 'kvm1', 'east', 'approved'],
    [c, 'kvm2', 'west', 'approved'],
  ]);
  const again = await vouchsafe('ek', 'approve', '--file', good);
  assert.match(again.err, /0 approved, 3 were so already/);
});

test('all that wait: listed first, approved on a second word, revoked TPMs left out', async () => {
  waits(a, { ak });
  assert.match((await vouchsafe('ek', 'approve', a, '--name', 'kvm1')).out, /kvm1 +default +approved/);
  waits(b, { ak });
  waits(c, { image: undefined });
  const pending = await vouchsafe('ek', 'pending');
  assert.match(pending.out, /ENDORSEMENT KEY +TPM +IMAGE +SAME TPM AS/);
  assert.match(pending.out, /hardware +golden +kvm1 /);
  assert.match(pending.out, /hardware +NONE MATCHES/);
  const listed = await vouchsafe('ek', 'approve', '--all-pending', '--scope', 'east');
  assert.deepEqual([listed.code, hosts().length], [1, 1]);
  assert.match(listed.err, /nothing was approved: look at these 2 TPMs/);
  await vouchsafe('ek', 'approve', '--all-pending', '--scope', 'east', '--yes');
  assert.deepEqual(hosts(), [
    [a, 'kvm1', 'default', 'approved'],
    [b, 'kvm1', 'default', 'approved'],
    [c, `ek-${c.slice(0, 16)}`, 'east', 'approved'],
  ]);
  const revoked = await vouchsafe('host', 'revoke', 'kvm1', '--reason', 'stolen');
  assert.match(revoked.err, new RegExp(`revoked endorsement key ${a}\n.*revoked endorsement key ${b}`));
  waits(d, { ak });
  const left = await vouchsafe('ek', 'approve', '--all-pending', '--scope', 'east', '--yes');
  assert.match(left.err, new RegExp(`left out: ${d} is the TPM of host kvm1, which was revoked`));
  assert.equal(configuration.host(d), undefined);
  assert.match((await vouchsafe('ek', 'pending')).out, /kvm1 \(REVOKED\)/);
  assert.equal((await vouchsafe('ek', 'dismiss', d)).code, 0);
  assert.match((await vouchsafe('ek', 'pending')).out, /no TPM waits/);
});

test('a host is renamed, moved, gets a new TPM, and is listed', async () => {
  await vouchsafe('ek', 'approve', a, '--name', 'kvm1', '--scope', 'east');
  await vouchsafe('host', 'rename', 'kvm1', 'kvm2');
  await vouchsafe('host', 'move', 'kvm2', '--scope', 'west');
  const replaced = await vouchsafe('host', 'replace-tpm', 'kvm2', '--ek', b);
  assert.match(replaced.err, new RegExp(`revoked endorsement key ${a} of the old TPM`));
  assert.deepEqual(hosts(), [
    [a, 'kvm2', 'west', 'revoked'],
    [b, 'kvm2', 'west', 'approved'],
  ]);
  const { out } = await vouchsafe('host', 'list');
  assert.match(
    out,
    /HOST +SCOPE +STATE +TPM +ENROLLED +LAST ATTESTED +ENDORSEMENT KEYS\nkvm2 +west +approved +listed +approved +never +1\n/,
  );
  assert.equal((await vouchsafe('host', 'list', '-o', 'name')).out, 'kvm2\n');
});

test('firmware is put on the blocklist and taken off', async () => {
  const versions = ['--from', '7.0', '--below', '7.85'];
  const added = await vouchsafe(
    'ek',
    'blocklist',
    'add',
    'old',
    '--manufacturer',
    'IFX',
    ...versions,
    '--reason',
    'old',
  );
  assert.match(added.out, /old +fail +IFX +any +7\.0 to below 7\.85 +old/);
  assert.match((await vouchsafe('ek', 'blocklist', 'import')).err, /5 entries/);
  assert.equal(configuration.blocklist.entries().length, 6);
  const again = file('firmware.json', (await vouchsafe('ek', 'blocklist', 'list', '-o', 'json')).out);
  assert.match((await vouchsafe('ek', 'blocklist', 'import', again)).err, /6 entries/);
  assert.equal((await vouchsafe('ek', 'blocklist', 'delete', 'old')).code, 0);
  assert.equal((await vouchsafe('ek', 'blocklist', 'import', file('bad.json', '{}'))).code, 1);
  assert.equal(configuration.blocklist.entries().length, 5);
});

test('what is not clear is refused before anything happens', async () => {
  const bad: string[][] = [
    ['ek', 'approve'],
    ['ek', 'approve', a, '--file', 'x'],
    ['ek', 'approve', '--all-pending'],
    ['host', 'replace-tpm', 'kvm1'],
    ['host', 'revoke', 'none'],
  ];
  const outcomes = await Promise.all(bad.map((args) => vouchsafe(...args)));
  assert.deepEqual(
    outcomes.map(({ code }) => code),
    [1, 1, 1, 1, 1],
  );
  assert.match(outcomes[0]!.err, /expected one of EK, --file and --all-pending/);
  assert.match(outcomes[4]!.err, /host none/);
});
