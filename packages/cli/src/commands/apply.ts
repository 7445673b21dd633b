import type { Command } from 'commander';
import { say } from '../output.ts';

/** `vouchsafe apply`: brings the parts of this host to what a file says. */
export function addApply(program: Command): void {
  program
    .command('apply')
    .description('bring the parts of this host to what a file says, through their management API')
    .requiredOption('-f, --file <file>', 'YAML; - reads standard input')
    .option('--dry-run', 'say what would be done, do nothing')
    .addHelpText(
      'after',
      `
The file has one member a part, each with what \`docs/apply.md\` describes; nothing is deleted that it does not name.

Examples:
  vouchsafe apply -f trust-authority.yaml --dry-run
  vouchsafe apply -f trusted-host.yaml`,
    )
    .action(async ({ file, dryRun = false }: { file: string; dryRun?: boolean }, command: Command) => {
      const { applyFile } = await import('../apply.ts');
      for await (const line of applyFile(command, file, dryRun)) say(line);
    });
}
