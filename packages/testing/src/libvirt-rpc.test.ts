import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { connectLibvirt, type LibvirtConnection, type LifecycleEvent } from '@vouchsafe/services/libvirt/connection';
import {
  defineDomain,
  domainXml,
  findDomain,
  getMetadata,
  listDomains,
  setMetadata,
} from '@vouchsafe/services/libvirt/domains';
import { LibvirtError } from '@vouchsafe/services/libvirt/error';
import { capabilities, hostname, libvirtVersion } from '@vouchsafe/services/libvirt/host';
import {
  defineEphemeralPrivate,
  listSecrets,
  lookupSecret,
  setSecretValue,
  undefineSecret,
} from '@vouchsafe/services/libvirt/secrets';
import { LibvirtHost } from './libvirt-host.ts';
import { freeLoopbackNetwork } from './loopback.ts';
import { until } from './wait.ts';
import { Workdir } from './workdir.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root';

describe('the libvirt client and libvirtd', { skip }, () => {
  let work: Workdir;
  let host: LibvirtHost;
  const connect = () => connectLibvirt({ socketPath: host.path('/run/libvirt/libvirt-sock'), deadline: 10_000 });
  const domain = (name: string) =>
    `<domain type='qemu'><name>${name}</name><memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>`;

  before(async () => {
    work = await Workdir.create('rpc');
    host = await LibvirtHost.start({
      name: 'rpc',
      address: (await freeLoopbackNetwork())(1),
      state: work.file('host'),
    });
  });

  after(async () => {
    await host?.stop();
    await work?.[Symbol.asyncDispose]();
  });

  async function given(name: string, value: string, connection: LibvirtConnection) {
    const secret = await defineEphemeralPrivate(connection, name);
    using bytes = Secret.take(new TextEncoder().encode(value));
    await setSecretValue(connection, secret, bytes);
    return secret;
  }

  test('says who it is', async () => {
    using connection = await connect();
    assert.equal(await hostname(connection), 'rpc');
    assert.match(await libvirtVersion(connection), /^\d+\.\d+\.\d+$/);
    assert.match(await capabilities(connection), /^<capabilities>/);
  });

  test('secrets come, stay private and in memory, and go', async () => {
    using connection = await connect();
    const uuid = randomUUID();
    assert.equal(await lookupSecret(connection, uuid), undefined);
    assert.deepEqual(await given(uuid, 'first', connection), { uuid, usageType: 0, usageID: '' });
    await given(uuid, 'second', connection);
    assert.deepEqual(
      (await listSecrets(connection)).map((each) => each.uuid),
      [uuid],
    );
    assert.match((await host.virsh(['secret-get-value', uuid])).stderr, /secret is private/);
    assert.equal((await host.exec(['ls', '/etc/libvirt/secrets'])).stdout, '');
    await undefineSecret(connection, uuid);
    await undefineSecret(connection, uuid);
    assert.equal(await lookupSecret(connection, uuid), undefined);
  });

  test('domains are found, described, changed and watched', async () => {
    using connection = await connect();
    const seen: LifecycleEvent[] = [];
    await connection.onLifecycle((event) => seen.push(event));
    const defined = await defineDomain(connection, domain('web'));
    assert.deepEqual(await findDomain(connection, 'web'), defined);
    assert.deepEqual(await findDomain(connection, defined.uuid), defined);
    assert.equal(await findDomain(connection, 'mail'), undefined);
    assert.deepEqual(await listDomains(connection), [defined]);

    const uri = 'urn:vouchsafe:keysafe:1';
    assert.equal(await getMetadata(connection, defined, uri), undefined);
    await setMetadata(connection, defined, { uri, prefix: 'vs', metadata: '<keysafe>{}</keysafe>' });
    assert.equal(await getMetadata(connection, defined, uri), '<keysafe>{}</keysafe>');
    assert.match(
      await domainXml(connection, defined, 'inactive'),
      /<vs:keysafe xmlns:vs="urn:vouchsafe:keysafe:1">\{\}<\/vs:keysafe>/,
    );

    await host.mustVirsh(['start', 'web']);
    const running = (await findDomain(connection, 'web'))!;
    assert.ok(running.id > 0);
    await setMetadata(connection, running, { uri, prefix: 'vs', metadata: undefined });
    assert.equal(await getMetadata(connection, running, uri), undefined);
    assert.doesNotMatch(await domainXml(connection, running), /keysafe/);
    await host.mustVirsh(['destroy', 'web']);
    await host.mustVirsh(['undefine', 'web']);
    await until(
      'events of the domain',
      10_000,
      async () => seen.some(({ event }) => event === 'undefined') || undefined,
    );
    const happened = seen.filter((each) => each.domain.name === 'web').map(({ event }) => event);
    for (const event of ['defined', 'started', 'stopped', 'undefined'] as const)
      assert.ok(happened.includes(event), happened.join());
  });

  test('a refusal keeps code and words of libvirt', async () => {
    using connection = await connect();
    const refused = (e: unknown) =>
      e instanceof LibvirtError && e.kind === 'refused' && e.code === 27 && /XML/.test(e.message);
    await assert.rejects(defineDomain(connection, '<network/>'), refused);
    assert.equal(connection.isOpen, true);
  });

  test('a restart of libvirtd is noticed, and takes the secrets with it', async () => {
    using old = await connect();
    const uuid = randomUUID();
    await given(uuid, 'value', old);
    await host.restartLibvirtd();
    assert.equal((await old.closed).kind, 'closed');
    await assert.rejects(listSecrets(old), LibvirtError);
    using connection = await connect();
    assert.equal(await lookupSecret(connection, uuid), undefined);
  });
});
