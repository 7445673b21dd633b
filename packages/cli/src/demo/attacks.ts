import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { makeProof } from '@vouchsafe/domain/keys/dpop';
import { newPair } from '@vouchsafe/domain/keys/jwk';
import { Problem } from '@vouchsafe/domain/problem';
import { HttpClient } from '@vouchsafe/services/http/client';
import { attest } from '@vouchsafe/services/kmxa/attester';
import type { TrustedHost } from '@vouchsafe/testing/site/trusted-host';
import { type DemoStage, expect, vmOf } from './stage.ts';

/** host3 is ours and booted another kernel. */
export async function refusedBoot(stage: DemoStage): Promise<string[]> {
  const xml = await stage.site.host('host2').libvirt.mustVirsh(['dumpxml', '--inactive', 'vm1']);
  const said = await refusedStart(stage.site.host('host3'), 'vm1', xml);
  expect(
    /not attested/.test(said) && /kernel image \(PCR 4\) differ/.test(said),
    `host3 should be told which event differs, it was told: ${said}`,
  );
  return [`host3, another kernel: ${said}`];
}

/** host4 has a genuine TPM of the same maker and the very same boot. */
export async function unknownTpm(stage: DemoStage): Promise<string[]> {
  const xml = await stage.site.host('host2').libvirt.mustVirsh(['dumpxml', '--inactive', 'vm1']);
  const said = await refusedStart(stage.site.host('host4'), 'vm1', xml);
  expect(/is not approved/.test(said), `host4 should be told that it is not approved, it was told: ${said}`);
  return [`host4, a TPM nobody approved: ${said}`];
}

/** Whoever steals the token of host1 has not its key. */
export async function stolenToken({ site, folder }: DemoStage): Promise<string[]> {
  const [trusted_CA, group] = await Promise.all([site.authority.groupCa(), site.authority.group()]);
  const service = { address: site.authority.url, trusted_CA, group };
  const victim = site.host('host1');
  const logs = join(folder, 'host1/root/etc/vouchsafe');
  const agent = {
    tpm: `unix:${victim.tpm.socket}`,
    event_log: join(logs, 'event-log'),
    ima_log: join(logs, 'ima-log'),
    ek: 'auto' as const,
    command_line: join(logs, 'cmdline'),
    libvirt: '',
    qemu_state: '',
  };
  const { session } = await attest(service, { agent, group, version: 'thief' });
  if (session === undefined) throw new Error('host1 should be attested');
  const client = new HttpClient({ url: service.address, ca: trusted_CA });
  try {
    const withoutProof = await refusal(
      client.call('POST', '/kms/list-providers', '{}', { authorization: `DPoP ${session.token}` }),
    );
    const mine = newPair();
    const proof = await makeProof({
      ...mine,
      token: session.token,
      url: `${service.address}/kms/list-providers`,
      body: '{}',
      nonce: 'none',
      jti: randomUUID(),
      now: Math.floor(Date.now() / 1000),
    });
    const withMyKey = await refusal(
      client.call('POST', '/kms/list-providers', '{}', { authorization: `DPoP ${session.token}`, dpop: proof }),
    );
    for (const problem of [withoutProof, withMyKey])
      expect(problem.kind === 'proof.invalid', `a stolen token was answered with ${problem.kind}`);
    return [`a stolen token of host1 used from host3: ${withMyKey.message}`];
  } finally {
    await client.close();
  }
}

/** The key safe of a VM in a domain that is built differently opens nothing, even on an attested host. */
export async function copiedKeySafe(stage: DemoStage): Promise<string[]> {
  const vm = vmOf(stage, 'vm1');
  const host = stage.site.host('host1');
  const xml = await stage.site.host('host2').libvirt.mustVirsh(['dumpxml', '--inactive', vm.name]);
  const cdrom = `<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='${vm.disk}.keysafe'/><target dev='sda' bus='sata'/><readonly/></disk>`;
  const evil = xml.replace(`<name>${vm.name}</name>`, '<name>evil</name>');
  const withCdrom = await refusedStart(host, 'evil', evil.replace('</devices>', `${cdrom}</devices>`));
  expect(
    /not the one that was sealed/.test(withCdrom),
    `a CD-ROM was added, and the start was answered with: ${withCdrom}`,
  );
  const otherUuid = await refusedStart(host, 'evil', evil.replace(vm.uuid, randomUUID()));
  expect(
    /belongs to another domain/.test(otherUuid),
    `another domain with a copied key safe was answered with: ${otherUuid}`,
  );
  return [
    `a second domain with the copied key safe and a CD-ROM: ${withCdrom}`,
    `the same under another UUID: ${otherUuid}`,
  ];
}

/** Defines a domain, tries to start it, and gives what virsh was told. @throws when it starts */
async function refusedStart({ name: host, libvirt }: TrustedHost, name: string, xml: string): Promise<string> {
  await libvirt.mustVirsh(['define', '/dev/stdin'], xml);
  try {
    const { code, stderr } = await libvirt.virsh(['start', name]);
    expect(code !== 0, `${name} started on ${host}, which must not be`);
    return /vouchsafe: (.*)/.exec(stderr)?.[1]?.trim() ?? stderr.trim();
  } finally {
    await libvirt.virsh(['destroy', name]);
    await libvirt.virsh(['undefine', name]);
  }
}

async function refusal(call: Promise<unknown>): Promise<Problem> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('the request was answered, which must not be');
}
