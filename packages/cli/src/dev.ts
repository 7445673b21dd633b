import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Problem } from '@vouchsafe/domain/problem';
import { ensurePackages } from '@vouchsafe/testing/debian';
import { demoHosts, Site, siteScope } from '@vouchsafe/testing/site/site';
import { requireRoot } from './context.ts';
import { say } from './output.ts';

export interface DevOptions {
  readonly state: string;
  readonly readyFile: string;
  readonly unconfigured?: boolean;
}

/** Starts a site, writes the ready file, and stops the site when it is told to. */
export async function runDev({ state, readyFile, unconfigured = false }: DevOptions): Promise<void> {
  requireRoot('dev makes namespaces, mounts and libvirt hosts');
  await ensurePackages('dev', say);
  say('DEVELOPMENT ONLY: virtual TPMs are trusted and userspace is not measured; keep nothing here that matters');
  const folder = resolve(state);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (readdirSync(folder).length > 0)
    throw new Problem('usage.invalid', `--state ${state}: the folder is not empty; a site begins anew each time`);
  rmSync(readyFile, { force: true });
  const stopped = untilStopped();
  await using site = await Site.create(folder);
  await site.startKeyServer();
  say(`key server on ${site.keyServer.address}`);
  await site.startAuthority();
  say(`Trust Authority host at ${site.authority.url}`);
  await site.startHosts(demoHosts);
  await site.registerServices();
  if (!unconfigured) await configure(site);
  writeReady(readyFile, ready(site, folder));
  say(`ready: ${readyFile}; stop with Ctrl-C`);
  await stopped;
  rmSync(readyFile, { force: true });
  say('stopping');
}

/** As the demonstration does it: host1's boot is golden, host4 stays unapproved. */
async function configure(site: Site): Promise<void> {
  await site.addProvider('demo');
  await site.trustTpms();
  await site.trustBootOf(site.host('host1'), 'golden');
  for (const name of ['host1', 'host2', 'host3']) await site.approve(site.host(name));
}

function ready(site: Site, folder: string) {
  const { address, ca, certificate, key, primaryKeyId } = site.keyServer;
  const authority = {
    id: site.authority.name,
    name: site.authority.name,
    role: 'trust-authority',
    cluster: 'authority',
    url: site.authority.url,
    run: site.authority.run,
  };
  const hosts = site.hosts.map(({ name, url, run, libvirt }) => ({
    id: name,
    name,
    role: 'trusted',
    cluster: siteScope,
    url,
    libvirt: `qemu:///system?socket=${libvirt.path('/run/libvirt/libvirt-sock')}`,
    run,
  }));
  const pem = {
    ca: join(folder, 'ca.crt'),
    certificate: join(folder, 'trust-authority.crt'),
    key: join(folder, 'trust-authority.key'),
  };
  for (const [name, text] of Object.entries({ ca, certificate, key }))
    writeFileSync(pem[name as keyof typeof pem], text, { mode: 0o600 });
  return { kms: { address, ...pem, primaryKeyId }, hosts: [authority, ...hosts] };
}

/** Whole or not at all: whoever sees the file sees all of it. */
function writeReady(path: string, content: object): void {
  mkdirSync(dirname(resolve(path)), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Signals alone keep no process alive, and neither do the daemons. */
const untilStopped = (): Promise<void> =>
  new Promise((done) => {
    const alive = setInterval(() => undefined, 3_600_000);
    const stop = () => {
      clearInterval(alive);
      done();
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
