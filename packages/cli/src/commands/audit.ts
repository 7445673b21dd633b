import { createReadStream } from 'node:fs';
import { emptyChain, follow } from '@vouchsafe/domain/audit/record';
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
    .action(async (file: string, _options, command: Command) => {
      let head = emptyChain;
      for await (const line of wholeLines(file)) head = follow(head, line).head;
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

/** Far above the longest record; a file without any line end is no audit file, whatever its size. */
const maxLine = 4 * 1024 * 1024;

/** The lines of a file of any size, one at a time; what follows the last line end is being written, or was cut. */
async function* wholeLines(file: string): AsyncGenerator<string> {
  let rest = '';
  try {
    for await (const chunk of createReadStream(file, 'utf8')) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
      if (rest.length > maxLine)
        throw new Problem('audit.broken', `${file}: a line of more than ${maxLine} characters`);
    }
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw new Problem('file.unreadable', `${file}: ${(cause as Error).message}`, { cause });
  }
  if (rest !== '') say(`${file}: the last ${Buffer.byteLength(rest)} bytes are no whole line and were not checked`);
}
