import type { Command } from 'commander';

/** `vouchsafe demo`: the main job on real parts. */
export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('show the main job on this machine, on real parts; needs root, cleans up after itself')
    .option('--json', 'print one JSON object a step')
    .addHelpText(
      'after',
      `
Installs Debian packages that are missing, after saying which. Everything runs on loopback addresses and in namespaces
of its own; nothing of it is left afterwards but the packages and empty mount points.

Examples:
  vouchsafe demo
  vouchsafe demo --json | jq -c '{step, ok, seconds}'`,
    )
    .action(async ({ json = false }: { json?: boolean }) => {
      const { runDemo } = await import('../demo/run.ts');
      process.exitCode = await runDemo(json);
    });
}
