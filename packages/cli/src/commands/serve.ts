import sea from 'node:sea';
import { Problem } from '@vouchsafe/domain/problem';
import type { HostConfig } from '@vouchsafe/services/config/host';
import type { HostPart } from '@vouchsafe/services/config/paths';
import type { KmsEvent } from '@vouchsafe/services/kms/serve';
import type { Part, Running } from '@vouchsafe/services/part';
import type { Command } from 'commander';
import { say } from '../output.ts';

/** How each part is started. Loaded when needed: a part should not carry the code of the others. */
const starters: Record<string, (config: HostConfig, file: string) => Promise<Running>> = {
  host: async (config, file) =>
    (await import('@vouchsafe/services/host/serve')).serveHost(config, (part) => partCommand(part, file)),
  attestd: async (config) => (await import('@vouchsafe/services/attestd/serve')).serveAttestd(config),
  kmxd: async (config) => (await import('@vouchsafe/services/kmxd/serve')).serveKmxd(config),
  kmxa: async (config) => (await import('@vouchsafe/services/kmxa/serve')).serveKmxa(config),
  proxy: async (config) => (await import('@vouchsafe/services/proxy/serve')).serveProxy(config),
};

export function addServe(program: Command): void {
  program
    .command('serve <part>')
    .description('run a part of this host in the foreground: host, attestd, kmxd, kmxa, proxy, or the key server kms')
    .option('--config <file>', 'configuration of the host (TOML)', '/etc/vouchsafe/host.toml')
    .option('--data <dir>', 'kms: where keys, certificates and kms.toml are')
    .option('--listen <host:port>', 'kms: where to listen (default: what kms.toml says, or 127.0.0.1:5696)')
    .addHelpText(
      'after',
      `
Examples:
  vouchsafe serve host --config /etc/vouchsafe/host.toml
  vouchsafe serve kms --data /var/lib/vouchsafe-kms --listen 0.0.0.0:5696
  vouchsafe serve kms --data /var/lib/vouchsafe-kms`,
    )
    .action(async (part: string, options: ServeOptions) => {
      await untilStopped(part === 'kms' ? await startKms(options) : await startPart(part, options.config));
    });
}

interface ServeOptions {
  readonly config: string;
  readonly data?: string;
  readonly listen?: string;
}

async function startPart(part: string, file: string): Promise<Running> {
  const start = starters[part];
  if (start === undefined)
    throw new Problem('usage.invalid', `no part ${part}; there are ${Object.keys(starters).join(', ')}, kms`);
  const { readHostConfig } = await import('@vouchsafe/services/config/host');
  return await start(readHostConfig(file), file);
}

async function startKms({ data, listen }: ServeOptions): Promise<Running> {
  if (data === undefined) throw new Problem('usage.invalid', 'serve kms needs --data DIR');
  const { serveKms } = await import('@vouchsafe/services/kms/serve');
  const { addressOf, addressText } = await import('@vouchsafe/services/config/address');
  const { logger } = await import('@vouchsafe/services/part');
  const log = logger('kms');
  const kms = await serveKms({
    dataDir: data,
    ...(listen === undefined ? {} : { listen: addressOf(listen, '--listen') }),
    report: (event) => tell(event, log),
  });
  say(`key server listening on ${addressText(kms.address)}`);
  return kms;
}

/** What the key server has to tell: whom it turned away, its certificate, and defects of its own. */
function tell({ event, ...facts }: KmsEvent, log: Part['log']): void {
  if ('error' in facts) log.error({ event, err: facts.error }, 'a request failed inside');
  else if (event === 'refused') log.warn({ event, ...facts }, 'turned away');
  else if (event === 'expiring') log.warn({ event, ...facts }, 'a certificate is near its end');
  else log.info({ event, ...facts }, 'another certificate is shown');
}

/** The same program with another part; a single executable is program and interpreter in one. */
function partCommand(part: HostPart, file: string): [string, ...string[]] {
  const program = sea.isSea() ? [] : [...process.execArgv, String(process.argv[1])];
  return [process.execPath, ...program, 'serve', part, '--config', file];
}

/** Says that it is ready, then runs until it is told to stop; closes in good order. */
async function untilStopped(running: Running): Promise<void> {
  process.send?.({ ready: true });
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
    // A supervisor that is gone cannot stop us any more.
    process.once('disconnect', resolve);
  });
  await running.close();
  if (process.connected) process.disconnect();
}
