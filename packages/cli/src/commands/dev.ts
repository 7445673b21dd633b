import type { Command } from 'commander';

/** `vouchsafe dev`: a whole site on loopback, for scripts and for trying things out. */
export function addDev(program: Command): void {
  program
    .command('dev')
    .description(
      'run a whole site on loopback until stopped: key server, Trust Authority host, libvirt hosts; needs root',
    )
    .requiredOption('--state <dir>', 'folder for all state; made when missing')
    .requiredOption('--ready-file <file>', 'written last, JSON, mode 0600: where everything is')
    .option('--unconfigured', 'start and join everything, configure nothing')
    .addHelpText(
      'after',
      `
For development only: virtual TPMs are accepted, and everything listens on loopback addresses.

Examples:
  vouchsafe dev --state /tmp/site --ready-file /tmp/site/ready.json
  vouchsafe dev --state /tmp/site --ready-file /tmp/ready.json --unconfigured`,
    )
    .action(async (options: { state: string; readyFile: string; unconfigured?: boolean }) => {
      const { runDev } = await import('../dev.ts');
      await runDev(options);
    });
}
