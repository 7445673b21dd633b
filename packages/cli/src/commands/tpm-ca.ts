import { Problem } from '@vouchsafe/domain/problem';
import { readCertificate } from '@vouchsafe/domain/x509/certificate';
import { pemBlocks } from '@vouchsafe/domain/x509/pem-blocks';
import { type AuthorityView, type LinkView, linkView, type PlanView } from '@vouchsafe/services/attestd/trust/views';
import type { Command } from 'commander';
import { callPart, globalsOf } from '../context.ts';
import { print, say, type View } from '../output.ts';
import { certificatesIn } from '../tpm-ca/pem-files.ts';
import { addTpmCaCrl } from './tpm-ca-crl.ts';

const path = '/attestation/tpm2/ca-certificates';

const authorities: View<AuthorityView> = {
  columns: [
    ['name', ({ name }) => name],
    ['kind', ({ virtual }) => (virtual ? 'virtual' : 'hardware')],
    ['root', ({ under }) => (under ? 'under another CA' : 'own')],
    ['certificates', ({ certificates }) => certificates],
    ['until', ({ not_after }) => not_after.slice(0, 10)],
    ['subject', ({ subject }) => subject],
  ],
  name: ({ name }) => name,
  empty: 'no CA of a TPM maker is trusted: import them with vouchsafe tpm-ca import',
};

const links: View<LinkView> = {
  columns: [
    ['subject', ({ subject }) => subject],
    ['issuer', ({ issuer }) => issuer],
    ['until', ({ not_after }) => not_after.slice(0, 10)],
    ['fingerprint', ({ fingerprint }) => fingerprint],
  ],
  name: ({ fingerprint }) => fingerprint,
  empty: 'no intermediate of a TPM maker is known',
};

const plan: View<PlanView> = {
  fields: [
    ['roots', ({ roots }) => roots.map(rootLine)],
    ['intermediates', ({ intermediates }) => String(intermediates.length)],
    ['skipped', ({ skipped }) => skipped.map(({ subject, why }) => `${subject}: ${why}`)],
  ],
};

const rootLine = ({ name, subject, intermediates, issued_by_another }: PlanView['roots'][number]): string =>
  `${name}: ${subject}, ${intermediates} below it${issued_by_another ? '; another CA issued it, which is not here' : ''}`;

interface ImportOptions {
  readonly virtual?: boolean;
  readonly anchor?: boolean;
  readonly dryRun?: boolean;
}

/** `vouchsafe tpm-ca`: whose TPMs are believed. */
export function addTpmCa(program: Command): void {
  const ca = program
    .command('tpm-ca')
    .description('CAs of TPM makers: whose TPMs are believed, on a Trust Authority host');
  addImport(ca);
  ca.command('list')
    .description('list the trusted CAs of TPM makers')
    .option('--intermediates', 'list the known intermediates instead')
    .addHelpText('after', '\nExamples:\n  vouchsafe tpm-ca list\n  vouchsafe tpm-ca list --intermediates -o json')
    .action(async ({ intermediates = false }: { intermediates?: boolean }, command: Command) => {
      const { output } = globalsOf(command);
      if (!intermediates)
        return print((await callPart(command, 'attestd', 'GET', path)) as AuthorityView[], authorities, output);
      const known = await callPart(command, 'attestd', 'GET', '/attestation/tpm2/intermediates');
      print(known as LinkView[], links, output);
    });
  ca.command('show <name>')
    .description('show the certificates of a CA, root first')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe tpm-ca show infineon-optiga-tm-rsa-root-ca\n  vouchsafe tpm-ca show amdtpm-ecc -o json',
    )
    .action(async (name: string, _options, command: Command) => {
      const found = await callPart(command, 'attestd', 'GET', `${path}/${encodeURIComponent(name)}`);
      const { cert_chain } = found as { cert_chain: { certs: string[] } };
      if (globalsOf(command).output === 'json') return print(found, {}, 'json');
      const certificates = cert_chain.certs.flatMap((pem) => pemBlocks(pem, 'CERTIFICATE'));
      print(
        certificates.map((der) => linkView(readCertificate(der))),
        links,
        globalsOf(command).output,
      );
    });
  ca.command('delete <name>')
    .description('stop trusting a CA, or forget the intermediate with this fingerprint')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe tpm-ca delete amdtpm-rsa\n  vouchsafe tpm-ca list -o name | xargs -n1 vouchsafe tpm-ca delete',
    )
    .action(async (name: string, _options, command: Command) => {
      const collection = /^[0-9a-f]{64}$/.test(name) ? '/attestation/tpm2/intermediates' : path;
      await callPart(command, 'attestd', 'DELETE', `${collection}/${encodeURIComponent(name)}`);
      say(`${name} is trusted no more; hosts that stood under it are refused at their next attestation`);
    });
  addTpmCaCrl(ca);
}

function addImport(ca: Command): void {
  ca.command('import <file...>')
    .description('trust the CAs in files: roots by name, and the intermediates that stand under them')
    .option('--virtual', 'they certify virtual TPMs')
    .option('--anchor', 'pin CAs whose own issuer is not in the files as well')
    .option('--dry-run', 'only say what would be imported')
    .addHelpText(
      'after',
      '\nFiles are PEM with any number of certificates, or DER with one.\n\nExamples:\n  vouchsafe tpm-ca import tpm-ca-certificates.pem tpm-intermediate-ca-certificates.pem\n  vouchsafe tpm-ca import --dry-run bundle.pem -o json\n  vouchsafe tpm-ca import --virtual swtpm-localca-rootca-cert.pem issuercert.pem',
    )
    .action(
      async (files: string[], { virtual = false, anchor = false, dryRun = false }: ImportOptions, command: Command) => {
        const body = { certificates: certificatesIn(files), virtual, anchor, dry_run: dryRun };
        const done = (await callPart(command, 'attestd', 'POST', `${path}/import`, body)) as PlanView;
        print(done, plan, globalsOf(command).output);
        const { roots, intermediates, skipped } = done;
        const verb = dryRun ? 'would be imported' : 'imported';
        say(`${roots.length} roots and ${intermediates.length} intermediates ${verb}, ${skipped.length} skipped`);
        if (roots.length + intermediates.length === 0 && skipped.some(({ why }) => !/already|twice/.test(why)))
          throw new Problem('input.invalid', 'nothing in the files can be trusted; the reasons stand above');
      },
    );
}
