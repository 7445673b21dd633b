import { readFileSync, writeFileSync } from 'node:fs';
import { Problem } from '@vouchsafe/domain/problem';
import type { Acknowledgements } from '@vouchsafe/services/host/operations/acknowledgements';
import type { Command } from 'commander';
import { tellAcknowledgements } from '../acknowledged.ts';
import { callPart, globalsOf } from '../context.ts';
import { print, say, type View } from '../output.ts';

interface Member {
  readonly name: string;
  readonly url?: string;
  readonly state: 'member' | 'removed';
  readonly this_host: boolean;
  readonly id: string;
  readonly enc?: string;
  readonly by: string;
  readonly since: string;
}

const memberView: View<Member> = {
  columns: [
    ['name', ({ name, this_host }) => `${name}${this_host ? ' (this host)' : ''}`],
    ['state', ({ state }) => state],
    ['url', ({ url }) => url],
    ['by', ({ by }) => by],
    ['since', ({ since }) => since],
    ['signs with', ({ id }) => id],
    ['decrypts with', ({ enc }) => enc],
  ],
  name: ({ name }) => name,
};

interface Status {
  readonly group: string;
  readonly health: string;
  readonly details: readonly { severity: string; message: string }[];
  readonly epoch: number;
  readonly denied: readonly { sub: string; since: number }[];
  readonly max_stale: number;
  readonly members: readonly { name: string; heard: number | null; obeys: boolean; problem: string | null }[];
}

const statusView: View<Status> = {
  fields: [
    ['group', ({ group }) => group],
    ['health', ({ health }) => health],
    ['', ({ details }) => details.map(({ severity, message }) => `${severity} ${message}`)],
    ['epoch', ({ epoch }) => epoch],
    ['denied', ({ denied }) => denied.map(({ sub, since }) => `${sub} since ${new Date(since * 1000).toISOString()}`)],
    ['max stale', ({ max_stale }) => (max_stale === 0 ? 'off' : `${max_stale} s`)],
    [
      'other members',
      ({ members }) =>
        members.map(({ name, heard, obeys, problem }) => {
          const said = heard === null ? 'not heard of since this host started' : `heard of ${heard} s ago`;
          return `${name}: ${said}, ${obeys ? 'up to date' : 'NOT up to date'}${problem === null ? '' : ` (${problem})`}`;
        }),
    ],
  ],
  name: ({ health }) => health,
};

interface Levelled {
  readonly part: string;
  readonly outcome: string;
  readonly detail?: string;
}

export const levelledView: View<Levelled> = {
  columns: [
    ['part', ({ part }) => part],
    ['configuration', ({ outcome }) => outcome],
    ['why', ({ detail }) => detail],
  ],
  name: ({ part }) => part,
};

/** `vouchsafe ta`: the Trust Authority hosts of this group. */
export function addTa(program: Command): void {
  const ta = program.command('ta').description('the Trust Authority hosts of this group, on one of them');
  ta.command('members')
    .description('list the Trust Authority hosts with the fingerprints of their keys')
    .addHelpText('after', '\nExamples:\n  vouchsafe ta members\n  vouchsafe ta members -o json')
    .action(async (_options, command: Command) => {
      print(
        (await callPart(command, 'host', 'GET', '/host/members')) as Member[],
        memberView,
        globalsOf(command).output,
      );
    });
  ta.command('status')
    .description(
      'show what each member knows, who is silent, and where configurations differ; leaves with 2 on an error',
    )
    .addHelpText('after', '\nExamples:\n  vouchsafe ta status\n  vouchsafe ta status -o json | jq .details')
    .action(async (_options, command: Command) => {
      const status = (await callPart(command, 'host', 'GET', '/host/group/status')) as Status;
      print(status, statusView, globalsOf(command).output);
      if (status.health === 'ERROR') process.exitCode = 2;
    });
  addInvite(ta);
  ta.command('remove <name>')
    .description('remove a Trust Authority host from the group, for good; leaves with 2 when a member has not heard')
    .addHelpText('after', '\nExamples:\n  vouchsafe ta remove ta3\n  vouchsafe ta members && vouchsafe ta remove ta3')
    .action(async (name: string, _options, command: Command) => {
      const path = `/host/members/${encodeURIComponent(name)}/remove`;
      const done = (await callPart(command, 'host', 'POST', path)) as Acknowledgements;
      say(`${name} knew the key of the group CA: when it is not in your hands any more, make a new group`);
      tellAcknowledgements(done);
    });
  ta.command('level')
    .description('take over the configuration of another member where it is newer; never downwards')
    .requiredOption('--from <name>', 'the member whose configuration is taken over')
    .addHelpText('after', '\nExamples:\n  vouchsafe ta level --from ta1\n  vouchsafe ta level --from ta1 -o json')
    .action(async ({ from }: { from: string }, command: Command) => {
      const levelled = (await callPart(command, 'host', 'POST', '/host/level', { from })) as Levelled[];
      print(levelled, levelledView, globalsOf(command).output);
      if (levelled.some(({ outcome }) => outcome === 'refused')) process.exitCode = 2;
    });
  ta.command('set')
    .description('change a setting of this member')
    .requiredOption(
      '--max-stale <seconds>',
      'stop issuing and releasing after this long without news of most members; 0 switches it off',
    )
    .addHelpText('after', '\nExamples:\n  vouchsafe ta set --max-stale 900\n  vouchsafe ta set --max-stale 0')
    .action(async ({ maxStale }: { maxStale: string }, command: Command) => {
      if (!/^\d{1,6}$/.test(maxStale)) throw new Problem('usage.invalid', `--max-stale ${maxStale}: expected seconds`);
      await callPart(command, 'host', 'PATCH', '/host/group/settings', { max_stale: Number(maxStale) });
    });
}

function addInvite(ta: Command): void {
  ta.command('invite')
    .description('make an invite for one more Trust Authority host: good once, for an hour; keep it secret')
    .option('--name <name>', 'the only name with which it can be used')
    .option('--file <file>', 'write it to a new file that only you may read; otherwise to standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe ta invite --name ta2 --file ta2.invite\n  vouchsafe ta invite | ssh ta2 vouchsafe host join --invite -',
    )
    .action(async ({ name, file }: { name?: string; file?: string }, command: Command) => {
      const made = await callPart(command, 'host', 'POST', '/host/invites', name === undefined ? {} : { name });
      const { expires } = made as { expires: number };
      const text = `${JSON.stringify(made, undefined, 2)}\n`;
      if (file === undefined) process.stdout.write(text);
      else writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
      say(`the invite counts once, until ${new Date(expires * 1000).toISOString()}`);
    });
}

/** `vouchsafe host join`: makes this host a member of another host's group. */
export function addJoin(host: Command): void {
  host
    .command('join')
    .description('make this Trust Authority host a member of the group of an invite; its own unused group is given up')
    .requiredOption('--invite <file>', 'file of the invite, `-` for standard input')
    .option('--url <url>', 'where to reach the member, when that is not what the invite says')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe host join --invite ta2.invite\n  vouchsafe host join --invite - --url https://ta1.example:443 < ta2.invite',
    )
    .action(async ({ invite, url }: { invite: string; url?: string }, command: Command) => {
      const { readInvite } = await import('@vouchsafe/domain/group/invite');
      const order = { invite: readInvite(textOf(invite)), ...(url === undefined ? {} : { url }) };
      const joined = (await callPart(command, 'host', 'POST', '/host/join', order)) as {
        group: string;
        members: string[];
        levelled: Levelled[];
      };
      say(`this host is a member of group ${joined.group}: ${joined.members.join(', ')}`);
      say('key servers: set a client certificate for each key provider on this host');
      print(
        joined.levelled,
        { ...levelledView, empty: 'its configuration is that of the group' },
        globalsOf(command).output,
      );
    });
}

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    throw new Problem('file.unreadable', `${file}: ${(cause as Error).message}`, { cause });
  }
}
