import { copiedKeySafe, refusedBoot, stolenToken, unknownTpm } from './attacks.ts';
import { outage } from './outage.ts';
import { startHosts, trustHosts } from './set-up.ts';
import type { DemoStep } from './stage.ts';
import { encryptVms, migrateVm, startVm } from './vms.ts';

/** The demonstration, in order. */
export const demoSteps: readonly DemoStep[] = [
  {
    name: 'key-server',
    title: 'start the embedded key server, make a primary key in it',
    async run({ site }) {
      const { address, primaryKeyId } = await site.startKeyServer();
      return [
        `KMIP over mutual TLS on ${address}; primary key ${primaryKeyId}, which never leaves it but to the Key Provider Service`,
      ];
    },
  },
  {
    name: 'trust-authority',
    title: 'start a Trust Authority host with its group CA, attestd and kmxd behind the proxy',
    async run({ site }) {
      const authority = await site.startAuthority();
      await site.addProvider('demo');
      return [
        `group ${await authority.group()}, at ${authority.url}`,
        'the primary key is trusted key provider `demo`',
      ];
    },
  },
  { name: 'hosts', title: 'start four libvirt hosts with TPMs in the state of real measured boots', run: startHosts },
  { name: 'trust', title: 'import a base image, trust the maker of the TPMs, approve three of them', run: trustHosts },
  { name: 'encrypt', title: 'encrypt an existing disk image', run: encryptVms },
  {
    name: 'start',
    title: 'virsh start on host1: attested, key released, the guest boots from the encrypted disk',
    run: startVm,
  },
  { name: 'migrate', title: 'live-migrate the running guest to host2 over TLS', run: migrateVm },
  {
    name: 'refusals',
    title: 'try what must be refused',
    async run(stage) {
      const seen: string[] = [];
      for (const attack of [refusedBoot, unknownTpm, stolenToken, copiedKeySafe]) seen.push(...(await attack(stage)));
      return seen;
    },
  },
  { name: 'outage', title: 'stop the Trust Authority host and start it again', run: outage },
  { name: 'summary', title: 'clean up', run: async () => [] },
];
