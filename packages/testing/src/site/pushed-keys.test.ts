import assert from 'node:assert/strict';
import { randomUUID, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { groupIdOf } from '@vouchsafe/domain/group/group';
import { roles } from '@vouchsafe/domain/group/role';
import type { EcJwk } from '@vouchsafe/domain/keys/jwk';
import type { ProviderEvent } from '@vouchsafe/domain/keys/provider-events';
import { type CenterSigner, type PushContent, sealPush } from '@vouchsafe/domain/keys/push';
import { createAuthority, issue, newKeyPair } from '@vouchsafe/domain/x509/authority';
import { HttpClient } from '@vouchsafe/services/http/client';
import { deliver, type PushHost } from '@vouchsafe/services/key-providers/deliver';
import { NativeProviders } from '@vouchsafe/services/key-providers/native-providers';
import { StandardKeys } from '@vouchsafe/services/key-providers/standard-keys';
import { type KmsFixture, kmsFixture } from '@vouchsafe/services/kms/testing/fixture';
import { type TestPart, testPart } from '@vouchsafe/services/management/testing/part';
import { domainXml } from '../domain-xml.ts';
import { guestSays, makeGuestDisk } from '../guest-disk.ts';
import { type GuestKernel, installGuestKernel } from '../guest-kernel.ts';
import { freeLoopbackNetwork } from '../loopback.ts';
import { MigrationAuthority } from '../migration-pki.ts';
import { serial } from '../serial.ts';
import { TpmAuthority } from '../tpm-authority.ts';
import { until } from '../wait.ts';
import { Workdir } from '../workdir.ts';
import { type Canary, canariesBelow, canary } from './canary.ts';
import { TrustedHost } from './trusted-host.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root';
const now = () => Math.floor(Date.now() / 1000);

interface Stated {
  readonly id: string;
  readonly enc: EcJwk;
  readonly tpm: { readonly ek: string; readonly storage: string };
}

describe('a host that gets its keys from a center, without any Trust Authority', { skip }, () => {
  let work: Workdir;
  let host: TrustedHost;
  let boot: GuestKernel;
  let signer: CenterSigner;
  let part: TestPart;
  let kms: KmsFixture;
  let native: NativeProviders;
  let standard: StandardKeys;
  let outside: HttpClient;
  let known: PushHost;
  const events: ProviderEvent[] = [];
  const tell = (event: ProviderEvent) => void events.push(event);
  const hsm = randomUUID();

  before(async () => {
    work = await Workdir.create('center');
    part = testPart();
    kms = await kmsFixture();
    signer = await newSigner();
    host = await startHost(work, groupIdOf(signer.ca));
    const ca = readFileSync(host.libvirt.path('/var/lib/vouchsafe/group-ca.pem'), 'utf8');
    outside = new HttpClient({ url: host.url, ca });
    known = await hostAsListed();
    native = new NativeProviders({ store: part.store, audit: part.audit, tell, now, rounds: 1000 });
    const server = kms.client(await kms.addClient('center'));
    const maker = { vendor: 'Vouchsafe', product: 'Vouchsafe', version: '0.1.0' };
    standard = new StandardKeys({ provider: 'hsm', server, maker, tell });
    boot = await installGuestKernel(work.file('guest'));
  });

  after(async () => {
    await outside?.close();
    await host?.[Symbol.asyncDispose]();
    await kms?.close();
    await part?.close();
    await work?.[Symbol.asyncDispose]();
  });

  /** The host as an inventory would have it: its key as it states it, its endorsement key as somebody listed it. */
  async function hostAsListed(): Promise<PushHost> {
    const { enc, tpm } = (await host.call('kmxa', 'GET', '/trusted-infrastructure/identity')) as Stated;
    const { ek } = (await host.call('kmxa', 'GET', '/trusted-infrastructure/tpm')) as { ek: string };
    const send = async (push: string) =>
      void (await outside.call('POST', '/trusted-infrastructure/kms/pushes', { push }));
    return { name: host.name, enc, tpm, ek, send };
  }

  async function give(prv: string): Promise<void> {
    const { content, secret } = native.push(prv);
    using _secret = secret;
    assert.deepEqual(await deliver({ signer, content, secret, provider: prv, now, tell }, [known]), [
      { host: host.name },
    ]);
  }

  async function giveStandard(key: Secret, id: string, gen: number): Promise<void> {
    const content: PushContent = {
      kind: 'standard',
      prv: hsm,
      gen,
      name: 'hsm',
      uses: ['run'],
      key: id,
      state: 'Active',
    };
    assert.deepEqual(await deliver({ signer, content, secret: key, provider: 'hsm', now, tell }, [known]), [
      { host: host.name },
    ]);
  }

  async function vm(name: string) {
    const [disk, log, marker] = [work.file(`${name}.img`), work.file(`${name}.log`), `marker ${randomUUID()}`];
    await makeGuestDisk({ path: disk, sizeMiB: 16, marker });
    const xml = domainXml({ name, uuid: randomUUID(), boot, disk: { path: disk }, serialLog: log });
    await host.libvirt.mustVirsh(['define', '/dev/stdin'], xml);
    const line = serial(log);
    let boots = 0;
    const bootsAgain = async () => {
      await host.libvirt.mustVirsh(['start', name]);
      await line.waitFor(guestSays.boot(++boots), 90_000);
    };
    return { name, disk, marker, bootsAgain, stop: () => host.libvirt.mustVirsh(['destroy', name]) };
  }

  async function encrypt(name: string, provider: string, key?: string): Promise<void> {
    const client = new HttpClient({ socket: join(host.run, 'kmxa-admin.sock') });
    try {
      const body = { provider, ...(key === undefined ? {} : { key }) };
      for await (const _line of client.stream('POST', `/trusted-infrastructure/vms/${name}/encrypt`, body));
    } finally {
      await client.close();
    }
  }

  /** The agent alone dies and is started again by the host. */
  async function restartAgent(): Promise<void> {
    const { stdout } = await host.libvirt.exec(['pgrep', '-f', 'serve kmxa --config']);
    await host.libvirt.exec(['kill', '-9', ...stdout.trim().split('\n')]);
    await until('agent is back', 30_000, async () => {
      const { stdout: newer } = await host.libvirt.exec(['pgrep', '-f', 'serve kmxa --config']);
      if (newer === stdout || newer === '') return undefined;
      return (
        (await host.call('kmxa', 'GET', '/trusted-infrastructure/identity').catch(() => undefined)) !== undefined ||
        undefined
      );
    });
  }

  const listed = async () =>
    (
      (await host.call('kmxa', 'GET', '/trusted-infrastructure/kms/providers')) as {
        name: string;
        kind: string;
        health: string;
      }[]
    ).map(({ name, kind, health }) => `${name} ${kind} ${health}`);

  const leaks = (secret: Secret): string[] => {
    const one: Canary = secret.use((bytes) => canary('key', bytes));
    return canariesBelow(join(work.path, host.name), [one]);
  };

  test('native: its VM boots, also after the agent died and with everything else down; a removal spares what runs', async () => {
    const { prv, keys } = native.create('vault', { tpm_required: true });
    (await native.export('vault', Secret.take(Uint8Array.from(Buffer.from('password'))))).arrived();
    await give(prv);
    assert.deepEqual(await listed(), ['vault native OK']);
    const guest = await vm('one');
    await encrypt(guest.name, 'vault');
    assert.ok(!readFileSync(guest.disk).includes(guest.marker), 'the disk is encrypted');
    await guest.bootsAgain();
    await guest.stop();
    await restartAgent();
    await guest.bootsAgain();
    using kdk = part.store.getSecret(`native/${prv}/${keys[0]!.id}`)!;
    assert.deepEqual(leaks(kdk), []);

    native.remove('vault', ['one'], true);
    await give(prv);
    assert.equal((await host.libvirt.mustVirsh(['domstate', guest.name])).trim(), 'running');
    await guest.stop();
    const { code, stderr } = await host.libvirt.virsh(['start', guest.name]);
    assert.notEqual(code, 0);
    assert.match(stderr, /this host was not given the key: provider .* was removed from this host/);
    const log = readFileSync(host.libvirt.path('/var/lib/vouchsafe/log/kmxa.log'), 'utf8');
    assert.match(log, /"event":"vm\.locked".*VM one does not start, its key of provider/);
  });

  test('standard: its VM boots after the key was given, not before, and not with a key in another state', async () => {
    using key = await standard.make();
    const guest = await vm('two');
    await giveStandard(key.key, key.id, 1);
    await encrypt(guest.name, 'hsm', key.id);
    await standard.label(key.id, { component: 'Virtual Machine', name: guest.name, identifier: randomUUID() });
    await guest.bootsAgain();
    assert.deepEqual(leaks(key.key), []);

    await restartAgent();
    assert.equal((await host.libvirt.mustVirsh(['domstate', guest.name])).trim(), 'running', 'what runs goes on');
    await guest.stop();
    assert.deepEqual(await listed(), ['hsm standard WARNING']);
    const refused = await host.libvirt.virsh(['start', guest.name]);
    assert.match(refused.stderr, /this host was not given the key: key .* of provider/);
    using again = await standard.find(key.id);
    await giveStandard(again.key, key.id, 1);
    await guest.bootsAgain();
    await guest.stop();
    assert.deepEqual(await standard.unused(new Set([key.id])), []);
  });

  test('another center gets nothing in, whoever it says it is', async () => {
    const other = await newSigner();
    using secret = Secret.take(new Uint8Array(32));
    const content: PushContent = {
      kind: 'standard',
      prv: randomUUID(),
      gen: 1,
      name: 'x',
      uses: [],
      key: '1',
      state: 'Active',
    };
    const push = await sealPush(other, known.enc, content, secret, now());
    await assert.rejects(known.send(push), { kind: 'push.refused', message: /this host is pinned to/ });
  });
});

async function newSigner(): Promise<CenterSigner> {
  const validity = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 86_400_000) };
  const authority = await createAuthority({ name: 'center', ...validity });
  const { publicKey, privateKey } = newKeyPair();
  const sans = { uri: [roles.center] };
  const pem = await issue({ authority, publicKey, subject: 'center', sans, usages: ['sign'], ...validity });
  return { key: privateKey, certificate: new X509Certificate(pem), ca: new X509Certificate(authority.certificatePem) };
}

async function startHost(work: Workdir, center: string): Promise<TrustedHost> {
  const name = 'kvm1';
  const address = (await freeLoopbackNetwork())(1);
  const tpms = await TpmAuthority.create(work.file('tpm-maker'));
  const certificates = await (await MigrationAuthority.create()).issue(name, address);
  // A group that nobody has: this host trusts no Trust Authority.
  const group = 'A'.repeat(43);
  const options = {
    name,
    address,
    state: work.file(name),
    certificates,
    boot: 'debian12-uki-a',
    tpms,
    group,
    center,
    port: 7443,
  } as const;
  return await TrustedHost.start(options);
}
