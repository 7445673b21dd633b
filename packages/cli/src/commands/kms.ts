import type { Command } from 'commander';
import { globalsOf } from '../context.ts';
import { print, say, type View } from '../output.ts';

/** `vouchsafe kms`: the embedded key server. */
export function addKms(program: Command): void {
  const kms = program.command('kms').description('the embedded key server');
  addClient(kms.command('client').description('who may talk to the key server'));
  addKey(kms.command('key').description('keys of a key server'));
}

interface Made {
  readonly name: string;
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
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

const clientView: View<{ name: string; fingerprint: string; added: Date }> = {
  columns: [
    ['name', ({ name }) => name],
    ['added', ({ added }) => added.toISOString()],
    ['fingerprint', ({ fingerprint }) => fingerprint],
  ],
  name: ({ name }) => name,
  empty: 'no client: nobody may talk to this key server',
};

function addClient(client: Command): void {
  client
    .command('add <name>')
    .description('make a certificate for a client and let it in')
    .requiredOption('--data <dir>', 'the data of the key server')
    .requiredOption('--out <dir>', 'where to write NAME.crt, NAME.key and ca.crt')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe kms client add vcenter --data /var/lib/vouchsafe-kms --out .\n  vouchsafe kms client add ta1 --data ./kms --out ./certificates',
    )
    .action(async (name: string, { data, out }: { data: string; out: string }, command: Command) => {
      const { addKmsClient } = await import('@vouchsafe/services/kms/clients');
      const made = await addKmsClient({ dataDir: data, name, outDir: out });
      print<Made>({ name, ...made }, madeView, globalsOf(command).output);
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
      const clients = (await listKmsClients(data)).map(({ name, fingerprint, added }) => ({
        name,
        added,
        fingerprint,
      }));
      print(clients, clientView, globalsOf(command).output);
    });
  client
    .command('remove <name>')
    .description('shut a client out at once; its keys stay, and nobody reads them')
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
