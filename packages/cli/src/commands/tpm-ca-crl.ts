import type { TpmSettings } from '@vouchsafe/domain/attestation/policy';
import { Problem } from '@vouchsafe/domain/problem';
import type { CrlView, PlanView, Source } from '@vouchsafe/services/attestd/trust/views';
import type { Command } from 'commander';
import { callPart, globalsOf } from '../context.ts';
import { readInput } from '../files.ts';
import { print, say, type View } from '../output.ts';
import { crlOf, largestFile } from '../tpm-ca/pem-files.ts';
import { type Fetched, update } from '../tpm-ca/update.ts';

const path = '/attestation/tpm2/crls';

const lists: View<CrlView> = {
  columns: [
    ['issuer', ({ issuer }) => issuer],
    ['number', ({ number }) => number],
    ['revoked', ({ revoked }) => revoked],
    ['of', ({ this_update }) => this_update.slice(0, 10)],
    ['due', ({ next_update, outdated }) => `${next_update?.slice(0, 10) ?? ''}${outdated ? ' OUT OF DATE' : ''}`],
    ['name', ({ name }) => name],
  ],
  name: ({ name }) => name,
  empty: 'no revocation list is loaded: vouchsafe tpm-ca update, or vouchsafe tpm-ca crl add FILE',
};

const fetched: View<Fetched> = {
  columns: [
    ['address', ({ url }) => url],
    ['of', ({ kind }) => (kind === 'crl' ? 'revocation list' : 'issuer')],
    ['outcome', ({ outcome }) => outcome],
    ['detail', ({ detail }) => detail],
  ],
  name: ({ url }) => url,
  empty: 'no known CA says where its revocation lists can be fetched',
};

/** `vouchsafe tpm-ca crl` and `update`: what makers revoked. */
export function addTpmCaCrl(ca: Command): void {
  const crl = ca.command('crl').description('revocation lists of TPM makers');
  crl
    .command('add <file...>')
    .description('load revocation lists, PEM or DER, in the place of older ones')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe tpm-ca crl add OptigaRsaRootCA.crl\n  vouchsafe tpm-ca crl add *.crl -o json',
    )
    .action(async (files: string[], _options, command: Command) => {
      const added: CrlView[] = [];
      for (const file of files) added.push(await load(command, crlOf(readInput(file, largestFile), file)));
      print(added, lists, globalsOf(command).output);
    });
  crl
    .command('list')
    .description('list the loaded revocation lists')
    .addHelpText('after', '\nExamples:\n  vouchsafe tpm-ca crl list\n  vouchsafe tpm-ca crl list -o json')
    .action(async (_options, command: Command) => {
      print((await callPart(command, 'attestd', 'GET', path)) as CrlView[], lists, globalsOf(command).output);
    });
  crl
    .command('delete <name>')
    .description('forget a revocation list: what it revoked counts again')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe tpm-ca crl delete 3f5a...\n  vouchsafe tpm-ca crl list -o name | xargs -n1 vouchsafe tpm-ca crl delete',
    )
    .action(async (name: string, _options, command: Command) => {
      await callPart(command, 'attestd', 'DELETE', `${path}/${encodeURIComponent(name)}`);
      say('the revocation list is forgotten: what it revoked counts again');
    });
  addUpdate(ca);
}

interface UpdateOptions {
  readonly host: string[];
  readonly privateHost: string[];
  readonly url: string[];
  readonly dryRun?: boolean;
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

function addUpdate(ca: Command): void {
  ca.command('update')
    .description('fetch revocation lists and missing intermediates from listed hosts, and load them')
    .option(
      '--host <host>',
      'a host that may be asked, with its port if it is not the usual one; repeatable',
      collect,
      [],
    )
    .option('--private-host <host>', 'the same, and it may have a private address', collect, [])
    .option('--url <url>', 'a further list or intermediate; repeatable', collect, [])
    .option('--dry-run', 'only say what would be fetched')
    .addHelpText(
      'after',
      '\nHosts that are always asked stand in the setting fetch_hosts. The Attestation Service itself fetches nothing.\n\nExamples:\n  vouchsafe tpm-ca update --host pki.infineon.com --host sw-center.st.com\n  vouchsafe tpm-ca update --dry-run\n  vouchsafe tpm-ca update --private-host mirror.lan --url http://mirror.lan/ek.crl',
    )
    .action(async ({ host, privateHost, url, dryRun = false }: UpdateOptions, command: Command) => {
      const call = (method: 'GET' | 'POST', at: string, body?: unknown) =>
        callPart(command, 'attestd', method, at, body);
      const { fetch_hosts } = (await call('GET', '/attestation/tpm2/settings')) as TpmSettings;
      const sources = (await call('GET', '/attestation/tpm2/sources')) as Source[];
      const loader = {
        loadCrl: (crl: string) => load(command, crl),
        loadIssuers: async (certificates: string) =>
          (await call('POST', '/attestation/tpm2/ca-certificates/import', {
            certificates,
            links_only: true,
          })) as PlanView,
      };
      const rows: Fetched[] = [];
      const hosts = { hosts: [...fetch_hosts, ...host], privateHosts: privateHost };
      for await (const row of update({ sources, urls: url, dryRun }, hosts, loader)) rows.push(row);
      print(rows, fetched, globalsOf(command).output);
      const failed = rows.filter(({ outcome }) => outcome === 'failed').length;
      if (failed > 0)
        throw new Problem('fetch.failed', `${failed} of ${rows.length} addresses; the reasons stand above`);
    });
}

const load = async (command: Command, crl: string): Promise<CrlView> =>
  (await callPart(command, 'attestd', 'POST', path, { crl })) as CrlView;
