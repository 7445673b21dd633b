import type { TrustStatus } from '@vouchsafe/services/kmxa/trust-session';
import { demoHosts } from '@vouchsafe/testing/site/site';
import { type DemoStage, expect } from './stage.ts';

/** Boots the hosts; none of them is trusted yet. */
export async function startHosts({ site }: DemoStage): Promise<string[]> {
  await site.startHosts();
  await site.registerServices();
  for (const host of site.hosts)
    await host.call('kmxa', 'PATCH', '/trusted-infrastructure/settings', { offline_grace: 0 });
  return demoHosts.map(
    ({ name, boot }) =>
      `${name}: TPM of the same maker, replayed boot ${boot}, libvirt on ${site.host(name).libvirt.address}`,
  );
}

/** Says which boot, which TPMs and whose are trusted. host4 has the right boot, and nobody approves it. */
export async function trustHosts({ site }: DemoStage): Promise<string[]> {
  const { image, coverage } = await site.trustBootOf(site.host('host1'), 'golden');
  await site.trustTpms();
  const approved: string[] = [];
  for (const name of ['host1', 'host2', 'host3'])
    approved.push(`approved ${name}: endorsement key ${await site.approve(site.host(name))}`);
  for (const name of ['host1', 'host2']) {
    const status = (await site.host(name).call('kmxa', 'POST', '/trusted-infrastructure/attestation')) as TrustStatus;
    expect(status.attestation_status === 'attested', `${name} should be attested: ${JSON.stringify(status.findings)}`);
  }
  return [
    `base image ${image.name} ${coverage}`,
    ...approved,
    'host1 and host2 are attested; host4, the very same boot, waits for an approval that nobody gives',
  ];
}
