/**
 * Joins a group and kills itself at a step, as a power cut would: `node join-and-die.ts CONFIG INVITE STEP`, where both
 * files hold JSON. Without a step it goes to the end and leaves with 0.
 */
import { readFileSync } from 'node:fs';
import { readInvite } from '@vouchsafe/domain/group/invite';
import type { HostConfig } from '../../config/host.ts';
import { openPart } from '../../part.ts';
import { HostAuthority } from '../authority.ts';
import { GroupHost } from '../group-host.ts';
import { isMemberOf, joinGroup } from '../joining.ts';

const [, , configFile = '', inviteFile = '', step] = process.argv;
const config = JSON.parse(readFileSync(configFile, 'utf8')) as HostConfig;
const { store, audit, close } = await openPart(config, 'host');
const now = () => Math.floor(Date.now() / 1000);
const authority = await HostAuthority.open(config, store);
const host = await GroupHost.open({ config, store, audit: (entry) => audit.append(entry), now }, authority);
const invite = readInvite(readFileSync(inviteFile, 'utf8'));
if (!isMemberOf(host, invite)) {
  await joinGroup(host, { invite }, (done) => {
    if (done === step) process.kill(process.pid, 'SIGKILL');
  });
  await host.reload();
}
process.stdout.write(`member of ${host.group.id}\n`);
close();
