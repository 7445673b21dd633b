import type { RuleSummary } from '@vouchsafe/domain/attestation/boot-rules';
import type { RuleValue } from '@vouchsafe/domain/attestation/boot-rules/rule';
import { Problem } from '@vouchsafe/domain/problem';
import type { Command } from 'commander';
import { callPart, globalsOf } from '../context.ts';
import { print, say, type View } from '../output.ts';

const path = '/attestation/rules';

const view: View<RuleSummary> = {
  columns: [
    ['rule', ({ id }) => id],
    ['value', ({ value }) => shortText(value)],
    ['', ({ set }) => (set ? 'set' : 'default')],
    ['help', ({ help }) => help],
  ],
  fields: [
    ['rule', ({ id }) => id],
    ['help', ({ help }) => help],
    ['value', ({ value }) => valueText(value)],
    ['default', ({ default: standard, set }) => (set ? valueText(standard) : 'this')],
    ['stops', ({ stops }) => stops],
    ['needs', ({ needs }) => `${needs}; when that is not proven, the rule is broken`],
  ],
  name: ({ id }) => id,
};

function valueText(value: RuleValue): string | readonly string[] {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'string') return value === '' ? '(empty)' : value;
  return value.length === 0 ? '(empty)' : value;
}

function shortText(value: RuleValue): string {
  const text = valueText(value);
  if (typeof text === 'string') return text;
  return text.length === 1 ? String(text[0]) : `${text.length} values`;
}

interface SetOptions {
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

/** `vouchsafe rules`: what is asked of a boot beside that it is one of the base images. */
export function addRules(program: Command): void {
  const rules = program.command('rules').description('named rules about what hosts booted, on a Trust Authority host');
  rules
    .command('list')
    .description('list every rule with its value and one sentence about it')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe rules list\n  vouchsafe rules list -o json | jq ".[] | select(.set)"',
    )
    .action(async (_options, command: Command) => print(await readAll(command), view, globalsOf(command).output));
  rules
    .command('show <rule>')
    .description('show a rule, all its values, and what it stops')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe rules show secure-boot.required\n  vouchsafe rules show cmdline.forbidden -o json',
    )
    .action(async (id: string, _options, command: Command) =>
      print(await readOne(command, id), view, globalsOf(command).output),
    );
  rules
    .command('set <rule> [values...]')
    .description('set a rule: on or off, a word, or a list; hosts that break it are refused from now on')
    .option('--add <values...>', 'put values into the list of the rule')
    .option('--remove <values...>', 'take values out of the list of the rule')
    .addHelpText(
      'after',
      '\nValues of lists are globs where the rule says so: * stands for any characters, ? for one; in rules about the\ncommand line a glob behind ! is an exception. Behind -- values may begin with a dash.\n\nExamples:\n  vouchsafe rules set secure-boot.required on\n  vouchsafe rules set secure-boot.match keys\n  vouchsafe rules set cmdline.required "lockdown=*" ima_policy=tcb\n  vouchsafe rules set cmdline.forbidden --remove "crashkernel=*"',
    )
    .action(async (id: string, values: string[], options: SetOptions, command: Command) => {
      const rule = await readOne(command, id);
      const value = meantValue(rule, values, options);
      const [changed] = (await callPart(command, 'attestd', 'PATCH', path, { [id]: value })) as RuleSummary[];
      print(changed ?? rule, view, globalsOf(command).output);
      say(`rule ${id} counts from the next attestation of each host on; tokens from before count no more`);
    });
  rules
    .command('reset [rules...]')
    .description('bring rules back to their defaults; all of them when none is named')
    .addHelpText('after', '\nExamples:\n  vouchsafe rules reset cmdline.forbidden\n  vouchsafe rules reset')
    .action(async (named: string[], _options, command: Command) => {
      const all = await readAll(command);
      const ids = named.length > 0 ? named : all.filter(({ set }) => set).map(({ id }) => id);
      const change = Object.fromEntries(ids.map((id) => [id, null]));
      const changed = (await callPart(command, 'attestd', 'PATCH', path, change)) as RuleSummary[];
      print(changed, { ...view, empty: 'every rule had its default already' }, globalsOf(command).output);
    });
}

const readAll = async (command: Command) => (await callPart(command, 'attestd', 'GET', path)) as RuleSummary[];

async function readOne(command: Command, id: string): Promise<RuleSummary> {
  const all = await readAll(command);
  const found = all.find((rule) => rule.id === id);
  if (found !== undefined) return found;
  throw new Problem('usage.invalid', `there is no rule ${id}; \`vouchsafe rules list\` shows them`);
}

const switches: Readonly<Record<string, boolean>> = { on: true, true: true, off: false, false: false };

/** The value that words of a command line mean for a rule. @throws {Problem} `usage.invalid` */
function meantValue({ id, value }: RuleSummary, words: readonly string[], options: SetOptions): RuleValue {
  if (Array.isArray(value)) return listOf(value as readonly string[], words, options);
  if (options.add !== undefined || options.remove !== undefined)
    throw new Problem('usage.invalid', `--add and --remove are for lists; rule ${id} is none`);
  const [word, ...more] = words;
  if (word === undefined || more.length > 0) throw new Problem('usage.invalid', `rule ${id}: expected one value`);
  if (typeof value !== 'boolean') return word === 'none' ? '' : word;
  const meant = switches[word];
  if (meant === undefined) throw new Problem('usage.invalid', `rule ${id}: expected on or off, not ${word}`);
  return meant;
}

function listOf(before: readonly string[], words: readonly string[], { add, remove }: SetOptions): readonly string[] {
  const changing = add !== undefined || remove !== undefined;
  if (changing === words.length > 0)
    throw new Problem('usage.invalid', 'expected values, or --add and --remove; `none` for an empty list');
  if (!changing) return words.length === 1 && words[0] === 'none' ? [] : words;
  const missing = remove?.find((each) => !before.includes(each));
  if (missing !== undefined) throw new Problem('usage.invalid', `--remove ${missing}: the rule has no such value`);
  return [...new Set([...before.filter((each) => !remove?.includes(each)), ...(add ?? [])])];
}
