import type { Command } from 'commander';
import { globalsOf } from '../context.ts';
import { print, say, type View } from '../output.ts';
import { addBackup } from './kms-backup.ts';
import { addDoctor } from './kms-doctor.ts';
import { addRootKey } from './kms-root-key.ts';
import { addServer } from './kms-server.ts';
import { addStatus } from './kms-status.ts';

/** `vouchsafe kms`: the embedded key server. */
export function addKms(program: Command): void {
  const kms = program.command('kms').description('the embedded key server');
  addClient(kms.command('client').description('who may talk to the key server'));
  addRootKey(kms);
  addServer(kms);
  addStatus(kms);
  addDoctor(kms);
  addBackup(kms);
  addKey(kms.command('key').description('keys of a key server'));
}

interface Made {
  readonly name: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly authority?: string;
  readonly fingerprint: string;
}

const madeView: View<Made> = {
  fields: [
    ['name', ({ name }) => name],
    ['certificate', ({ certificate }) => certificate],
    ['private key', ({ key }) => key],
    ['ca', ({ authority }) => authority],
    ['fingerprint', ({ fingerprint }) => fingerprint],
  ],
  name: ({ name }) => name,
};

interface ClientRow {
  readonly name: string;
  readonly scope: string;
  readonly roles: readonly string[];
  readonly users: readonly string[];
  readonly added: Date;
  readonly certificates: readonly { readonly fingerprint: string; readonly added: Date; readonly expires: Date }[];
}

const clientView: View<ClientRow> = {
  columns: [
    ['name', ({ name }) => name],
    ['scope', ({ scope }) => scope],
    ['roles', ({ roles }) => roles.join(',')],
    ['certificates', ({ certificates }) => certificates.length],
    ['last expires', ({ certificates }) => lastOf(certificates.map(({ expires }) => expires))],
    ['fingerprint', ({ certificates }) => certificates.at(-1)?.fingerprint],
  ],
  name: ({ name }) => name,
  empty: 'no client: nobody may talk to this key server',
};

const lastOf = (dates: readonly Date[]): string =>
  dates.length === 0 ? 'has none' : new Date(Math.max(...dates.map(Number))).toISOString().slice(0, 10);

/** Where a client's certificate comes from, as options. */
interface Origin {
  readonly data: string;
  readonly out?: string;
  readonly csr?: string;
  readonly certificate?: string;
}

const origin = (command: Command): Command =>
  command
    .requiredOption('--data <dir>', 'the data of the key server')
    .option('--out <dir>', 'where to write NAME.crt, NAME.key and ca.crt')
    .option('--csr <file>', 'sign this certificate request instead of making a key')
    .option('--certificate <file>', 'let in whoever has the key of this certificate, whoever issued it');

/** Calls the one of three that the options choose. */
async function byOrigin<T>(
  { out, csr, certificate }: Origin,
  ways: {
    readonly made: (outDir: string) => Promise<T>;
    readonly requested: (outDir: string, request: string) => Promise<T>;
    readonly pinned: (certificate: string) => Promise<T>;
  },
): Promise<T> {
  const { Problem } = await import('@vouchsafe/domain/problem');
  const { readInput } = await import('../files.ts');
  const text = (path: string) => new TextDecoder().decode(readInput(path, 64 * 1024));
  if (csr !== undefined && certificate !== undefined)
    throw new Problem('usage.invalid', '--csr and --certificate are two ways: choose one');
  if (certificate !== undefined) return await ways.pinned(text(certificate));
  if (out === undefined) throw new Problem('usage.invalid', '--out DIR is needed: the certificate is written there');
  return csr === undefined ? await ways.made(out) : await ways.requested(out, text(csr));
}

const several = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

function addClient(client: Command): void {
  origin(client.command('add <name>'))
    .description('let a client in: with a certificate made here, a request signed here, or a certificate of its own')
    .option('--scope <name>', 'whose keys it works on; clients of one scope share them (default: one of its own)')
    .option('--role <role>', 'user, reader, operator or auditor; may be repeated (default: user)', several)
    .option('--user <name>', 'user name that its credentials may carry; may be repeated (default: any)', several)
    .addHelpText(
      'after',
      `
Roles:
  user      makes, fetches, uses, labels and ends keys: vCenter, backup programs, standard providers
  reader    fetches and uses keys that others of its scope made: trusted providers
  operator  activates, revokes and destroys keys, and never sees one
  auditor   sees which keys there are and in which state, and never one of them

Examples:
  vouchsafe kms client add vcenter --data /var/lib/vouchsafe-kms --out .
  vouchsafe kms client add backup --data ./kms --out . --csr backup.csr
  vouchsafe kms client add array1 --data ./kms --certificate array1.pem
  vouchsafe kms client add ta1 --data ./kms --out ./certificates --scope vault1 --role reader`,
    )
    .action(
      async (
        name: string,
        options: Origin & { scope?: string; role?: readonly string[]; user?: readonly string[] },
        command: Command,
      ) => {
        const kms = await import('@vouchsafe/services/kms/clients');
        const { scope, role: roles, user: users, data: dataDir } = options;
        const who = {
          dataDir,
          name,
          ...(scope === undefined ? {} : { scope }),
          ...(roles === undefined ? {} : { roles }),
          ...(users === undefined ? {} : { users }),
        };
        const made = await byOrigin<Omit<Made, 'name'>>(options, {
          made: (outDir) => kms.addKmsClient({ ...who, outDir }),
          requested: (outDir, request) => kms.addKmsClientByRequest({ ...who, outDir, request }),
          pinned: (certificate) => kms.addKmsClientByCertificate({ ...who, certificate }),
        });
        print<Made>({ name, ...made }, madeView, globalsOf(command).output);
      },
    );
  origin(client.command('renew <name>'))
    .alias('add-certificate')
    .description('give a client another certificate; those that it has stay good until they are removed or expire')
    .addHelpText(
      'after',
      `
The client keeps its keys: they belong to its scope, not to a certificate.

Examples:
  vouchsafe kms client renew vcenter --data /var/lib/vouchsafe-kms --out ./renewed
  vouchsafe kms client renew array1 --data ./kms --certificate array1-2027.pem`,
    )
    .action(async (name: string, options: Origin, command: Command) => {
      const kms = await import('@vouchsafe/services/kms/clients');
      const who = { dataDir: options.data, name };
      const made = await byOrigin<Omit<Made, 'name'>>(options, {
        made: (outDir) => kms.renewKmsClient({ ...who, outDir }),
        requested: (outDir, request) => kms.renewKmsClientByRequest({ ...who, outDir, request }),
        pinned: (certificate) => kms.addKmsCertificate({ ...who, certificate }),
      });
      print<Made>({ name, ...made }, madeView, globalsOf(command).output);
    });
  client
    .command('remove-certificate <name> <fingerprint>')
    .description('shut one certificate of a client out at once; its others stay good')
    .requiredOption('--data <dir>', 'the data of the key server')
    .addHelpText(
      'after',
      `
The beginning of the fingerprint is enough, 8 digits at least.

Examples:
  vouchsafe kms client remove-certificate vcenter 4be1c22f --data /var/lib/vouchsafe-kms
  vouchsafe kms client remove-certificate array1 4B:E1:C2:2F:05 --data ./kms`,
    )
    .action(async (name: string, fingerprint: string, { data }: { data: string }) => {
      const { removeKmsCertificate } = await import('@vouchsafe/services/kms/clients');
      await removeKmsCertificate({ dataDir: data, name }, fingerprint);
      say(`client ${name} does not come in with ${fingerprint} any more`);
    });
  client
    .command('list')
    .description('list the clients that may talk to the key server')
    .requiredOption('--data <dir>', 'the data of the key server')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe kms client list --data /var/lib/vouchsafe-kms\n  vouchsafe kms client list --data ./kms -o name',
    )
    .action(async ({ data }: { data: string }, command: Command) => {
      const { listKmsClients } = await import('@vouchsafe/services/kms/clients');
      const { parseCertificate } = await import('@vouchsafe/domain/x509/pem');
      const clients = (await listKmsClients(data)).map(({ certificates, ...client }) => ({
        ...client,
        certificates: certificates.map(({ pem, ...each }) => ({ ...each, expires: parseCertificate(pem).validToDate })),
      }));
      print<ClientRow>(clients, clientView, globalsOf(command).output);
    });
  client
    .command('remove <name>')
    .description('shut a client out at once; its keys stay in their scope')
    .requiredOption('--data <dir>', 'the data of the key server')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe kms client remove vcenter --data /var/lib/vouchsafe-kms\n  vouchsafe kms client remove ta1 --data ./kms',
    )
    .action(async (name: string, { data }: { data: string }) => {
      const { removeKmsClient } = await import('@vouchsafe/services/kms/clients');
      const { Problem } = await import('@vouchsafe/domain/problem');
      if (!(await removeKmsClient(data, name))) throw new Problem('object.unknown', `client ${name} of ${data}`);
      say(`client ${name} is shut out`);
    });
}

function addKey(key: Command): void {
  key
    .command('create')
    .description('make a primary key for a key provider, over KMIP, and activate it; prints its identifier')
    .requiredOption('--server <host:port>', 'the key server')
    .requiredOption('--client <name>', 'who asks: NAME.crt and NAME.key are read')
    .option('--certificates <dir>', 'where these and ca.crt are, as `kms client add` wrote them', '.')
    .addHelpText(
      'after',
      `
Works with any KMIP key server that lets this client in. Who makes a key may read it, so let the Trust Authority's own
client make it.

Examples:
  vouchsafe kms key create --server kms.example:5696 --client ta1
  vouchsafe kms key create --server 127.0.0.1:5696 --client ta1 --certificates ./certificates`,
    )
    .action(async (options: { server: string; client: string; certificates: string }) => {
      const { makePrimaryKey } = await import('../primary-key.ts');
      process.stdout.write(`${await makePrimaryKey(options)}\n`);
    });
}
