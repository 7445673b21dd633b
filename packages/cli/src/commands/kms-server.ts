import type { Command } from 'commander';
import { globalsOf } from '../context.ts';
import { readInput, writeNew } from '../files.ts';
import { print, type View } from '../output.ts';

interface Shown {
  readonly fingerprint: string;
  readonly expires: Date;
}

const view: View<Shown> = {
  fields: [
    ['fingerprint', ({ fingerprint }) => fingerprint],
    ['expires', ({ expires }) => expires.toISOString()],
  ],
  name: ({ fingerprint }) => fingerprint,
};

const several = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

const text = (path: string): string => new TextDecoder().decode(readInput(path, 256 * 1024));

/** `vouchsafe kms server`: the certificate that the key server shows. A running server takes each change by itself. */
export function addServer(kms: Command): void {
  const server = kms.command('server').description('the certificate that the key server shows');
  addRequest(server);
  addInstall(server);
  addRenew(server);
}

function addRequest(server: Command): void {
  server
    .command('request')
    .description('make a certificate request, for another authority to sign')
    .requiredOption('--data <dir>', 'the data of the key server')
    .requiredOption('--out <file>', 'where to write the request (PEM)')
    .requiredOption('--name <name>', 'name or address that clients reach the server by; may be repeated', several)
    .addHelpText(
      'after',
      `
The key stays here. Until the signed certificate is installed, the server goes on with the one that it has.

Examples:
  vouchsafe kms server request --data /var/lib/vouchsafe-kms --name kms.example --out kms.csr
  vouchsafe kms server request --data ./kms --name kms.example --name 192.0.2.5 --out kms.csr`,
    )
    .action(async ({ data, out, name }: { data: string; out: string; name: readonly string[] }) => {
      const { requestServerCertificate } = await import('@vouchsafe/services/kms/server-certificate');
      writeNew(out, await requestServerCertificate({ dataDir: data, names: name }));
    });
}

function addInstall(server: Command): void {
  server
    .command('install')
    .description('show a certificate that another authority signed')
    .requiredOption('--data <dir>', 'the data of the key server')
    .requiredOption('--certificate <file>', 'the certificate, intermediates after it (PEM)')
    .option('--key <file>', 'its private key, when the request was not made here (PEM)')
    .addHelpText(
      'after',
      `
A running server shows it within seconds; connections that stand are not touched. Clients that pinned the certificate
before must trust it anew.

Examples:
  vouchsafe kms server install --data /var/lib/vouchsafe-kms --certificate kms.pem
  vouchsafe kms server install --data ./kms --certificate kms.pem --key kms.key`,
    )
    .action(async (options: { data: string; certificate: string; key?: string }, command: Command) => {
      const { installServerCertificate } = await import('@vouchsafe/services/kms/server-certificate');
      const { readPrivateKey } = await import('../private-key.ts');
      const installed = installServerCertificate({
        dataDir: options.data,
        chain: text(options.certificate),
        ...(options.key === undefined ? {} : { key: readPrivateKey(options.key) }),
      });
      print(installed, view, globalsOf(command).output);
    });
}

function addRenew(server: Command): void {
  server
    .command('renew')
    .description("have the key server's own authority make a new certificate, with further names")
    .requiredOption('--data <dir>', 'the data of the key server')
    .option('--name <name>', 'one more name or address that clients reach the server by; may be repeated', several)
    .addHelpText(
      'after',
      `
It takes the place of the present one, also of one that was installed. Our own certificates are renewed by themselves 30
days before they end.

Examples:
  vouchsafe kms server renew --data /var/lib/vouchsafe-kms
  vouchsafe kms server renew --data ./kms --name kms2.example`,
    )
    .action(async ({ data, name = [] }: { data: string; name?: readonly string[] }, command: Command) => {
      const { renewServerCertificate } = await import('@vouchsafe/services/kms/server-certificate');
      print(await renewServerCertificate({ dataDir: data, names: name }), view, globalsOf(command).output);
    });
}
