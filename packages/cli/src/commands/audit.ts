import { readFileSync } from 'node:fs';
import { verifyChain } from '@vouchsafe/domain/audit/record';
import { Problem } from '@vouchsafe/domain/problem';
import type { Command } from 'commander';
import { globalsOf } from '../context.ts';
import { print, say } from '../output.ts';

/** `vouchsafe audit`: who did what, and which host got which key. */
export function addAudit(program: Command): void {
  const audit = program.command('audit').description('audit files: who did what, and which host got which key');
  audit
    .command('verify <file>')
    .description('check that no record was changed, removed or added; leaves with 3 when one was')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe audit verify /var/lib/vouchsafe/audit/kmxd.jsonl\n  vouchsafe audit verify kmxd.jsonl -o json',
    )
    .action((file: string, _options, command: Command) => {
      const { lines, unfinished } = linesOf(file);
      const head = verifyChain(lines);
      if (unfinished > 0) say(`${file}: the last ${unfinished} bytes are no whole line and were not checked`);
      print(
        { file, records: head.seq, head: head.hash },
        {
          fields: [
            ['file', (item) => item.file],
            ['records', (item) => item.records],
            ['head', (item) => item.head],
          ],
        },
        globalsOf(command).output,
      );
    });
}

/** The whole lines, and the length of what follows the last one: a record that is being written, or was cut. */
function linesOf(file: string): { lines: string[]; unfinished: number } {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    return { unfinished: Buffer.byteLength(lines.pop() ?? ''), lines };
  } catch (cause) {
    throw new Problem('file.unreadable', `${file}: ${(cause as Error).message}`, { cause });
  }
}
