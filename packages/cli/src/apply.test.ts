import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { testGroup } from '@vouchsafe/domain/testing/group';
import { imageOf } from '@vouchsafe/domain/testing/images';
import { BootHistories } from '@vouchsafe/services/attestd/boot-histories';
import { AttestationConfiguration } from '@vouchsafe/services/attestd/configuration';
import { LastVerdicts } from '@vouchsafe/services/attestd/last-verdicts';
import { attestdOperations } from '@vouchsafe/services/attestd/operations/table';
import { testKeeper } from '@vouchsafe/services/attestd/testing/test-keeper';
import { httpServer, type Listening, listenOnSocket } from '@vouchsafe/services/http/server';
import { routesOf } from '@vouchsafe/services/management/operation';
import { logger } from '@vouchsafe/services/part';
import { ConfigStore } from '@vouchsafe/store/config-store';
import { fileSealer } from '@vouchsafe/store/seal';
import { Command } from 'commander';
import { applyFile } from './apply.ts';

const ek = '3f5a'.repeat(16);
let folder = '';
let store: ConfigStore;
let attestd: Listening;
let configuration: AttestationConfiguration;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vouchsafe-apply-'));
  store = ConfigStore.open(join(folder, 'attestd.db'), fileSealer(join(folder, 'key')));
  configuration = new AttestationConfiguration(store);
  const evidence = await testKeeper(folder, configuration);
  const { group } = await testGroup();
  const context = {
    group,
    configuration,
    evidence,
    sightings: { of: () => [] },
    boots: new BootHistories(store),
    verdicts: new LastVerdicts(store),
    store,
    audit: () => undefined,
    now: () => new Date(0),
  };
  const server = httpServer(routesOf(attestdOperations(context)), logger('attestd'));
  attestd = await listenOnSocket(server, join(folder, 'attestd-admin.sock'));
});
afterEach(async () => {
  await attestd.close();
  store[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

async function apply(yaml: string, dryRun = false): Promise<string[]> {
  writeFileSync(join(folder, 'wanted.yaml'), yaml);
  const command = new Command().option('--run <dir>').parse(['--run', folder], { from: 'user' });
  const said: string[] = [];
  for await (const line of applyFile(command, join(folder, 'wanted.yaml'), dryRun)) said.push(line);
  return said;
}

const hosts = (scope: string) =>
  `attestation:\n  settings: {enrolment: auto}\n  endorsement_keys: [{name: kvm1, scope: ${scope}, ek: ${ek}}]\n`;

test('the parts become what the file says, and a second time nothing is left to do', async () => {
  assert.deepEqual(await apply(hosts('east')), ['settings of TPM trust: done', 'endorsement key of kvm1: done']);
  assert.equal(configuration.settings().enrolment, 'auto');
  assert.equal(configuration.host(ek)?.scope, 'east');
  assert.equal((await apply(hosts('east'))).at(-1), 'endorsement key of kvm1: is there already');
});

test('another scope is a change, and is made', async () => {
  await apply(hosts('east'));
  assert.equal((await apply(hosts('west'))).at(-1), 'endorsement key of kvm1: done');
  assert.equal(configuration.host(ek)?.scope, 'west');
});

test('a revoked host stays revoked while the file still names it', async () => {
  await apply(hosts('east'));
  configuration.putHost({ ...configuration.host(ek)!, state: 'revoked' });
  assert.match((await apply(hosts('east'))).at(-1) ?? '', /REVOKED and stays so/);
  assert.match((await apply(hosts('west'))).at(-1) ?? '', /REVOKED and stays so/);
  assert.equal(configuration.host(ek)?.state, 'revoked');
});

test('a base image is staged unless the file says active, and what somebody retired stays so', async () => {
  writeFileSync(join(folder, 'golden.json'), JSON.stringify(imageOf('golden')));
  const file = (state: string) =>
    `attestation:\n  base_images: [{file: golden.json, userspace_unmeasured: true${state}}]\n`;
  const state = () => configuration.image('golden').state;
  assert.deepEqual(await apply(file('')), ['base image golden.json: done']);
  assert.equal(state(), 'staged');
  assert.deepEqual(await apply(file(', state: active')), [
    'base image golden.json: is there already',
    'base image golden.json: active: done',
  ]);
  assert.equal(state(), 'active');
  assert.equal((await apply(file(', state: active'))).at(-1), 'base image golden.json: active: is so already');
  configuration.putImage({ ...configuration.image('golden'), state: 'retired' });
  assert.match((await apply(file(', state: active'))).at(-1) ?? '', /RETIRED and stays so/);
  assert.equal(state(), 'retired');
});

test('a dry run changes nothing', async () => {
  const said = await apply(hosts('east'), true);
  assert.ok(said.every((line) => line.endsWith(': would be done')));
  assert.equal(configuration.host(ek), undefined);
});

test('IMA lists and policy become what the file says, before the images that name them', async () => {
  writeFileSync(join(folder, 'files.sha256'), `${'ab'.repeat(32)}  /usr/bin/a\n`);
  const wanted = (exclude: string) =>
    `attestation:\n  ima:\n    policy: {excludes: ['${exclude}'], kexec: warn}\n    lists: [{file: files.sha256, name: files}]\n`;
  assert.deepEqual(await apply(wanted('/var/log/**')), ['policy of IMA: done', 'IMA list files: done']);
  assert.deepEqual(await apply(wanted('/var/log/**')), ['policy of IMA: done', 'IMA list files: is there already']);
  assert.equal(configuration.epoch(), 1, 'the second time nothing changed');
  const { excludes, kexec } = configuration.ima.settings();
  assert.deepEqual([excludes, kexec, configuration.ima.list('files').name], [['/var/log/**'], 'warn', 'files']);
  await assert.rejects(apply(wanted('/**')), /matches everything/);
});
