import { Problem } from '@vouchsafe/domain/problem';
import type { Provider } from '@vouchsafe/services/kmxd/configuration';
import type { ProviderHealth } from '@vouchsafe/services/kmxd/provider-health';
import type { ReleaseLimits } from '@vouchsafe/services/kmxd/release-limits';
import type { RemoteCertificate } from '@vouchsafe/services/kmxd/remote-certificates';
import type { RotationReport } from '@vouchsafe/services/kmxd/rotations';
import type { Command } from 'commander';
import { awaitAcknowledgements } from '../acknowledged.ts';
import { callPart, globalsOf } from '../context.ts';
import { readInput, writeNew } from '../files.ts';
import { print, say, type View } from '../output.ts';

const all = '/kms/providers';
const pathOf = (name: string): string => `${all}/${encodeURIComponent(name)}`;
type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
const ask = (command: Command, method: Method, path: string, body?: unknown) =>
  callPart(command, 'kmxd', method, path, body);
const examples = (...lines: string[]): string =>
  `\nExamples:\n${lines.map((line) => `  vouchsafe provider ${line}\n`).join('')}`;
const textOf = (file: string): string => new TextDecoder().decode(readInput(file, 1024 * 1024));

const shareText = ({ share }: Provider): string =>
  typeof share === 'string' ? share : share.map((pair) => `${pair.made_in} -> ${pair.opened_in}`).join(', ');

const providerView: View<Provider> = {
  fields: [
    ['provider', ({ name }) => name],
    ['id', ({ id }) => id],
    ['description', ({ description }) => description],
    [
      'servers',
      ({ servers }) => servers.map(({ name, address: { hostname, port = 5696 } }) => `${name} ${hostname}:${port}`),
    ],
    ['primary keys', ({ primary_keys }) => primary_keys.map(({ uid, role }) => `${uid} ${role}`)],
    ['keys may', ({ uses }) => uses.join(', ')],
    ['share', shareText],
    ['scopes', ({ scopes }) => scopes?.join(', ') ?? 'all'],
    ['oldest key', ({ min_kek_iat }) => min_kek_iat && new Date(min_kek_iat * 1000).toISOString()],
    ['unmeasured', ({ accept_unmeasured_userspace: yes }) => (yes ? 'accepted' : 'refused')],
    ['unapproved', ({ accept_auto_enrolled: yes }) => (yes ? 'accepted' : 'refused')],
  ],
  name: ({ name }) => name,
};

const healthView: View<ProviderHealth> = {
  fields: [
    ['health', ({ health }) => health],
    ['', ({ details }) => details.map(({ severity, message }) => `${severity} ${message}`)],
    [
      'servers',
      ({ servers }) =>
        servers.flatMap(({ name, health, details }) => [
          `${name} ${health}`,
          ...details.map(({ severity, message }) => `  ${severity} ${message}`),
        ]),
    ],
    [
      'primary keys',
      ({ primary_keys }) => primary_keys.map(({ uid, role, state }) => `${uid} ${role}, ${state ?? 'state unknown'}`),
    ],
    [
      'a key that is revoked',
      ({ bounds: { reachable, unreachable } }) => [
        `is obeyed within ${reachable} s while key servers answer,`,
        `within ${unreachable} s while none does`,
      ],
    ],
  ],
  name: ({ health }) => health,
};

const remoteView: View<RemoteCertificate> = {
  columns: [
    ['server', ({ server_name }) => server_name],
    ['trusted', ({ trusted }) => (trusted ? 'yes' : 'NO')],
    ['fingerprint', ({ fingerprint, error_messages }) => fingerprint ?? error_messages.join('; ')],
    ['subject', ({ subject }) => subject],
    ['issuer', ({ issuer }) => issuer],
    ['expires', ({ expires }) => expires?.slice(0, 10)],
  ],
  name: ({ fingerprint, server_name }) => fingerprint ?? server_name,
};

const limitsView: View<ReleaseLimits> = {
  fields: [
    ['keys at once', ({ keys_at_once }) => keys_at_once],
    ['keys a second', ({ keys_per_second }) => keys_per_second],
    ['different keys', ({ different_keys, window }) => `${different_keys} in ${window} s`],
    [
      'on excess',
      ({ on_excess, slow_keys_per_second: slow }) => (on_excess === 'slow' ? `${slow} keys a second` : on_excess),
    ],
  ],
};

/** `vouchsafe provider ...` on a Trust Authority host: what its Key Provider Service releases, to whom, from where. */
export function addTrustedProvider(provider: Command): void {
  addSettings(provider);
  addWithdrawal(provider);
  addRotation(provider);
  addClientCertificate(provider.command('client-cert').description('how key servers know this Trust Authority host'));
  addTrust(provider);
  addLimits(provider);
}

function addSettings(provider: Command): void {
  provider
    .command('show <name>')
    .description('show the settings of a trusted key provider (on a Trust Authority host)')
    .addHelpText('after', examples('show demo', 'show demo -o json'))
    .action(async (name: string, _options, command: Command) => {
      print((await ask(command, 'GET', pathOf(name))) as Provider, providerView, globalsOf(command).output);
    });
  provider
    .command('status <name>')
    .description('ask all key servers of a trusted provider, and say how each does; leaves with 2 on an error')
    .addHelpText('after', examples('status demo', 'status demo -o json'))
    .action(async (name: string, _options, command: Command) => {
      const health = (await ask(command, 'GET', `${pathOf(name)}/status`)) as ProviderHealth;
      print(health, healthView, globalsOf(command).output);
      if (health.health === 'ERROR') process.exitCode = 2;
    });
  provider
    .command('set <name> <settings...>')
    .description('change settings of a trusted provider, as name=value in JSON or plain text; null takes one away')
    .addHelpText(
      'after',
      examples(
        'set demo share=own key_ttl=600',
        'set demo \'scopes=["cluster-a"]\' \'share=[{"made_in":"cluster-a","opened_in":"cluster-b"}]\'',
        'set demo min_kek_iat=1790000000',
        'set demo scopes=null',
      ),
    )
    .action(async (name: string, settings: string[], _options, command: Command) => {
      const next = (await ask(command, 'PATCH', pathOf(name), settingsIn(settings))) as Provider;
      print(next, providerView, globalsOf(command).output);
    });
  provider
    .command('harden <name>')
    .description(
      'keys start VMs and are wrapped anew, in their own scope, on measured and approved hosts, and nothing else',
    )
    .addHelpText('after', examples('harden demo', 'harden demo -o json'))
    .action(async (name: string, _options, command: Command) => {
      print(
        (await ask(command, 'POST', `${pathOf(name)}/harden`)) as Provider,
        providerView,
        globalsOf(command).output,
      );
    });
}

/** @throws {Problem} `usage.invalid` */
function settingsIn(settings: readonly string[]): Record<string, unknown> {
  const entries = settings.map((setting) => {
    const at = setting.indexOf('=');
    if (at < 1) throw new Problem('usage.invalid', `${setting}: expected NAME=VALUE`);
    const [name, value] = [setting.slice(0, at), setting.slice(at + 1)];
    if (name === 'master_key_id')
      throw new Problem('usage.invalid', `${name}: \`vouchsafe provider rotate\` changes it`);
    try {
      return [name, JSON.parse(value) as unknown] as const;
    } catch {
      return [name, value] as const;
    }
  });
  return Object.fromEntries(entries);
}

function addWithdrawal(provider: Command): void {
  provider
    .command('revoke <name>')
    .description(
      'release nothing from a provider, on no member of the group; leaves with 2 when a member has not heard',
    )
    .addHelpText('after', examples('revoke demo', 'revoke demo || vouchsafe ta status'))
    .action(async (name: string, _options, command: Command) => {
      await ask(command, 'POST', `${pathOf(name)}/revoke`);
      await awaitAcknowledgements(command);
    });
  provider
    .command('restore <name>')
    .description('release keys of a revoked provider again')
    .addHelpText('after', examples('restore demo', 'restore demo && vouchsafe provider status demo'))
    .action(async (name: string, _options, command: Command) => {
      await ask(command, 'POST', `${pathOf(name)}/restore`);
      await awaitAcknowledgements(command);
    });
}

function addRotation(provider: Command): void {
  provider
    .command('rotate <name> <key>')
    .description(
      'make another key of the key servers the primary key, on all members; leaves with 2 while one is behind',
    )
    .option('--cancel', 'give up a rotation to this key that has not switched yet')
    .option('--delete', 'forget this old primary key: what is still wrapped under it is lost')
    .option('--force', 'with --delete: yes')
    .addHelpText(
      'after',
      examples('rotate demo 0c6ab39a', 'rotate demo 0c6ab39a --cancel', 'rotate demo 5f01 --delete --force'),
    )
    .action(
      async (name: string, uid: string, options: { cancel?: true; delete?: true; force?: true }, command: Command) => {
        if (options.cancel === undefined && options.delete === undefined) {
          const { rotation } = (await ask(command, 'PATCH', pathOf(name), { master_key_id: uid })) as {
            rotation: RotationReport;
          };
          return tellRotation(rotation);
        }
        const force = options.delete === true && options.force === true;
        const { members } = (await ask(command, 'DELETE', `${pathOf(name)}/primary-keys`, {
          uid,
          force,
        })) as RotationReport;
        tellMembers(members);
      },
    );
  provider
    .command('rotation <name>')
    .description('show the primary keys of a provider, and which members a rotation waits for')
    .addHelpText('after', examples('rotation demo', 'rotation demo -o json'))
    .action(async (name: string, _options, command: Command) => {
      const report = (await ask(command, 'GET', `${pathOf(name)}/rotation`)) as Rotating;
      print(report, rotationView, globalsOf(command).output);
    });
}

type Rotating = Omit<RotationReport, 'phase'> & {
  readonly phase: string;
  readonly primary_keys: Provider['primary_keys'];
};
const rotationView: View<Rotating> = {
  fields: [
    ['primary keys', ({ primary_keys }) => primary_keys.map(({ uid, role }) => `${uid} ${role}`)],
    ['rotation', ({ phase }) => phase],
    ['members', ({ members }) => members.map(({ name, problem = 'done' }) => `${name}: ${problem}`)],
  ],
};

/** @throws {Problem} `member.silent` when some are behind */
function tellRotation({ phase, members }: RotationReport): void {
  if (phase === 'prepare') say('not switched yet: a member cannot open what would be wrapped with the new key');
  else say('new keys are wrapped with the new primary key; old ones go on opening');
  tellMembers(members);
}

function tellMembers(members: RotationReport['members']): void {
  const behind = members.filter(({ problem }) => problem !== undefined);
  for (const { name } of members.filter((member) => !behind.includes(member))) say(`${name}: done`);
  if (behind.length === 0) return;
  const each = behind.map(({ name, problem }) => `${name} (${problem})`);
  throw new Problem('member.silent', each.join('; '), { data: { behind } });
}

interface Shown {
  readonly certificate?: string;
  readonly ca?: string;
}

function addClientCertificate(certificate: Command): void {
  const put = (text: string, file: string | undefined) =>
    file === undefined ? void process.stdout.write(text) : writeNew(file, text);
  certificate
    .command('show <name>')
    .description('print the client certificate of this host, PEM')
    .option('--ca', 'print the CA of ours that issued it instead')
    .addHelpText('after', examples('client-cert show demo', 'client-cert show demo --ca > ca.pem'))
    .action(async (name: string, { ca }: { ca?: true }, command: Command) => {
      const shown = (await ask(command, 'GET', `${pathOf(name)}/client-certificate`)) as Shown;
      const text = ca === true ? shown.ca : shown.certificate;
      if (text === undefined) throw new Problem('object.unknown', `provider ${name} has none on this host`);
      process.stdout.write(text);
    });
  certificate
    .command('create <name>')
    .description('make a new key and certificate; the key server must be given the certificate, or the CA')
    .option('--own-ca', 'have a CA of ours issue it: the key server is given that CA once, renewals need nobody there')
    .option('--out <file>', 'write what the key server needs to a new file; otherwise to standard output')
    .addHelpText(
      'after',
      examples('client-cert create demo --out ta1.pem', 'client-cert create demo --own-ca --out ca.pem'),
    )
    .action(async (name: string, { ownCa, out }: { ownCa?: true; out?: string }, command: Command) => {
      const body = { issued_by: ownCa === true ? 'own-ca' : 'itself' };
      const made = (await ask(command, 'POST', `${pathOf(name)}/client-certificate`, body)) as Shown;
      put((ownCa === true ? made.ca : made.certificate) ?? '', out);
      say(`give this to the key server; then \`vouchsafe provider status ${name}\` shows whether it is taken`);
    });
  certificate
    .command('csr <name>')
    .description('make a new key and print the request for its certificate, to be signed elsewhere')
    .option('--again', 'print the request that waits already')
    .option('--out <file>', 'write it to a new file')
    .addHelpText('after', examples('client-cert csr demo --out ta1.csr', 'client-cert csr demo --again'))
    .action(async (name: string, { again, out }: { again?: true; out?: string }, command: Command) => {
      const method = again === true ? 'GET' : 'POST';
      const { csr } = (await ask(command, method, `${pathOf(name)}/client-certificate/csr`)) as { csr: string };
      put(csr, out);
    });
  certificate
    .command('install <name> <certificate>')
    .description('install a certificate: the answer to the last request, or one with its own key')
    .option('--key <file>', 'its private key, PEM; remove the file afterwards')
    .addHelpText(
      'after',
      examples('client-cert install demo ta1.crt', 'client-cert install demo ta1.crt --key ta1.key'),
    )
    .action(async (name: string, file: string, { key }: { key?: string }, command: Command) => {
      const body = { certificate: textOf(file), ...(key === undefined ? {} : { private_key: textOf(key) }) };
      await ask(command, 'PUT', `${pathOf(name)}/client-certificate`, body);
    });
}

function addTrust(provider: Command): void {
  provider
    .command('password <name>')
    .description('set the password that goes with the user name of a provider; it is never shown')
    .requiredOption('--file <file>', 'its first line is the password; `-` for standard input')
    .addHelpText('after', examples('password demo --file kmip.password', 'password demo --file - < kmip.password'))
    .action(async (name: string, { file }: { file: string }, command: Command) => {
      const [password = ''] = textOf(file).split(/\r?\n/);
      await ask(command, 'PUT', `${pathOf(name)}/credential`, { password });
    });
  provider
    .command('trust <name>')
    .description('show the certificates that the key servers of a provider show now; trust one by its fingerprint')
    .option(
      '--fingerprint <sha256>',
      'trust the certificate with this fingerprint, which you compared with the server’s console',
    )
    .addHelpText('after', examples('trust demo', 'trust demo --fingerprint 9bc5ed28...381c'))
    .action(async (name: string, { fingerprint }: { fingerprint?: string }, command: Command) => {
      const at = `${pathOf(name)}/server-certificates`;
      if (fingerprint !== undefined) await ask(command, 'POST', `${at}/trust`, { fingerprint });
      const shown = (await ask(command, 'GET', `${at}/remote`)) as RemoteCertificate[];
      print(shown, remoteView, globalsOf(command).output);
      if (shown.some(({ trusted }) => !trusted)) process.exitCode = 3;
    });
}

function addLimits(provider: Command): void {
  provider
    .command('limits [settings...]')
    .description('show or change, as name=value, how many keys one host may ask for')
    .addHelpText('after', examples('limits', 'limits different_keys=2000 on_excess=refuse'))
    .action(async (settings: string[], _options, command: Command) => {
      const change = settings.length === 0 ? undefined : settingsIn(settings);
      const limits = await ask(command, change === undefined ? 'GET' : 'PATCH', '/kms/limits', change);
      print(limits as ReleaseLimits, limitsView, globalsOf(command).output);
    });
}
