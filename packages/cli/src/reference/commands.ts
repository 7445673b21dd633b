import type { Command } from 'commander';
import { makeProgram } from '../program.ts';
import { page } from './markdown.ts';

/** A command that does something, with its full name and all of its help. */
export interface DocumentedCommand {
  /** For instance `vouchsafe image capture`. */
  readonly name: string;
  readonly help: string;
}

/** Every command of the program that is no group, in the order of its help. */
export function documentedCommands(program: Command = makeProgram()): DocumentedCommand[] {
  return leaves(program, program.name());
}

function leaves(command: Command, name: string): DocumentedCommand[] {
  if (command.commands.length === 0) return [{ name, help: helpOf(command) }];
  return command.commands.flatMap((each) => leaves(each, `${name} ${each.name()}`));
}

/** The help as `--help` prints it on a wide terminal, examples included. */
function helpOf(command: Command): string {
  let text = '';
  const write = (more: string) => {
    text += more;
  };
  command.configureOutput({ writeOut: write, getOutHelpWidth: () => 110, getOutHasColors: () => false }).outputHelp();
  return text.trimEnd();
}

/** The program's own help: options that every command takes, and the list of commands. */
export const programHelp = (): string => helpOf(makeProgram());

/** `docs/cli.md`. */
export function commandsPage(): string {
  const block = (help: string) => `\`\`\`text\n${help}\n\`\`\``;
  return page(
    'Commands',
    'the commands in packages/cli/src/commands',
    'Local nouns (`host`, `image`, `ek`, `vm`, `apply`) act on the parts of this host through their sockets in `--run`, as root. `inspect` and `audit` work offline.',
    'Results go to standard output in the format of `-o`; what is said to a person goes to standard error, with `vouchsafe:` in front, and `hint:` in front of what to do.',
    'Exit codes: 0 done, 1 wrong usage or a local fault, 2 a server or the network, 3 checked and not trusted, 4 not allowed. [problems.md](problems.md) lists every refusal with its code.',
    '## vouchsafe',
    block(programHelp()),
    ...documentedCommands().flatMap(({ name, help }) => [`## ${name}`, block(help)]),
  );
}
