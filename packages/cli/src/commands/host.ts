import { Problem } from '@vouchsafe/domain/problem';
import type { TrustStatus } from '@vouchsafe/services/kmxa/trust-session';
import type { Command } from 'commander';
import { callPart, globalsOf, requireRoot } from '../context.ts';
import { writeNew } from '../files.ts';
import { print, type View } from '../output.ts';
import { addHostExplain } from './host-explain.ts';
import { addHostRegistry } from './host-registry.ts';
import { addJoin } from './ta.ts';

interface HostStatus {
  readonly name: string;
  readonly role: string;
  readonly group: string;
  readonly url: string;
  readonly seal?: 'file' | 'tpm';
  readonly parts: { part: string; pid?: number; ready: boolean; restarts: number }[];
  readonly attestation?: TrustStatus;
}

const statusView: View<HostStatus> = {
  fields: [
    ['host', ({ name }) => name],
    ['role', ({ role }) => role],
    ['group', ({ group }) => group],
    ['url', ({ url }) => url],
    [
      'secrets',
      ({ seal, role }) =>
        seal === 'tpm'
          ? 'sealed by the TPM'
          : role === 'trust-authority' && seal === 'file'
            ? 'WARNING: their key lies on the same disk; name the TPM of this host in host.toml'
            : undefined,
    ],
    [
      'parts',
      ({ parts }) =>
        parts.map(
          ({ part, ready, restarts }) =>
            `${part} ${ready ? 'ready' : 'NOT READY'}${restarts === 0 ? '' : `, ${restarts} restarts`}`,
        ),
    ],
    ...attestationFields<HostStatus>(({ attestation }) => attestation),
  ],
  name: ({ name }) => name,
};

const trustView: View<TrustStatus> = { fields: attestationFields((status) => status) };

function attestationFields<T>(of: (item: T) => TrustStatus | undefined): NonNullable<View<T>['fields']> {
  return [
    ['attestation', (item) => of(item)?.attestation_status],
    ['image', (item) => of(item)?.image],
    ['service', (item) => of(item)?.service],
    ['since', (item) => of(item)?.attested_at],
    ['until', (item) => of(item)?.attested_until],
    [
      'findings',
      (item) =>
        of(item)?.findings.map(
          ({ severity, check, detail, advice }) =>
            `${severity} ${check}: ${detail}${advice === undefined ? '' : ` (${advice})`}`,
        ),
    ],
  ];
}

/** `vouchsafe host`: this host, its trust and its preparation. */
export function addHost(program: Command): void {
  const host = program
    .command('host')
    .description(
      'this host: its trust, its parts, its preparation; on a Trust Authority host, the hosts of its registry',
    );
  host
    .command('status')
    .description('show the parts of this host and whether it is attested')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe host status\n  vouchsafe host status -o json | jq .attestation.attestation_status',
    )
    .action(async (_options, command: Command) => {
      const status = (await callPart(command, 'host', 'GET', '/host/status')) as HostStatus;
      const trusted = status.role === 'trusted';
      const attestation = trusted
        ? ((await callPart(command, 'kmxa', 'GET', '/trusted-infrastructure/attestation')) as TrustStatus)
        : undefined;
      print(
        { ...status, ...(attestation === undefined ? {} : { attestation }) },
        statusView,
        globalsOf(command).output,
      );
    });
  host
    .command('attest')
    .description('attest this host now; leaves with 3 when it is not trusted')
    .option('--ek <kind>', 'show another endorsement key once: p-256, rsa-2048 or p-384; the trust of this host stays')
    .option('--saml <file>', 'write a SAML 2.0 assertion with the facts of the token; must not exist')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe host attest\n  vouchsafe host attest -o json && virsh start vm1\n  vouchsafe host attest --ek rsa-2048   # then `ek approve` it on a Trust Authority host\n  vouchsafe host attest --saml host.xml && vouchsafe token verify host.xml --ca group-ca.pem',
    )
    .action(async ({ ek, saml }: { ek?: string; saml?: string }, command: Command) => {
      if (ek !== undefined && saml !== undefined)
        throw new Problem('usage.invalid', 'expected either --ek or --saml, not both');
      const path = '/trusted-infrastructure/attestation';
      const call = (more: string, body?: unknown) => callPart(command, 'kmxa', 'POST', `${path}${more}`, body);
      const answer = (await (ek === undefined
        ? call(saml === undefined ? '' : '/assertion')
        : call('/endorsement-key', { ek }))) as TrustStatus & { saml?: string };
      const { saml: assertion, ...status } = answer;
      if (saml !== undefined && assertion !== undefined) writeNew(saml, assertion);
      print(status, trustView, globalsOf(command).output);
      if (status.attestation_status !== 'attested') process.exitCode = 3;
    });
  host
    .command('migration-certificate')
    .description('ask for the certificate for live migrations that attested hosts get for an hour, and print it')
    .option('--ca', 'print the migration CA of the group instead')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe host migration-certificate | openssl x509 -noout -text\n  vouchsafe host migration-certificate --ca > ca-cert.pem',
    )
    .action(async ({ ca }: { ca?: true }, command: Command) => {
      const path = '/trusted-infrastructure/migration-certificate';
      const made = (await callPart(command, 'kmxa', 'POST', path)) as { certificate: string; ca: string };
      process.stdout.write(ca === true ? made.ca : made.certificate);
    });
  addHostRegistry(host);
  addHostExplain(host);
  addJoin(host);
  addPreparation(host);
}

function addPreparation(host: Command): void {
  host
    .command('setup')
    .description('prepare this host: hook, memory for libvirt state, users, udev rule, qemu.conf')
    .option('--check', 'change nothing; leave with 1 when something is missing')
    .addHelpText('after', '\nExamples:\n  vouchsafe host setup --check\n  vouchsafe host setup')
    .action(async ({ check = false }: { check?: boolean }, command: Command) => {
      if (!check) requireRoot('host setup changes system files');
      const { runSetup } = await import('../host-setup.ts');
      process.exitCode = await runSetup('setup', check, globalsOf(command).output);
    });
  host
    .command('teardown')
    .description('undo what `host setup` did')
    .option('--check', 'change nothing; leave with 1 when something is left')
    .addHelpText('after', '\nExamples:\n  vouchsafe host teardown --check\n  vouchsafe host teardown')
    .action(async ({ check = false }: { check?: boolean }, command: Command) => {
      if (!check) requireRoot('host teardown changes system files');
      const { runSetup } = await import('../host-setup.ts');
      process.exitCode = await runSetup('teardown', check, globalsOf(command).output);
    });
  host
    .command('check')
    .description('say on one page whether this host can be attested')
    .addHelpText('after', '\nExamples:\n  vouchsafe host check\n  vouchsafe host check -o json')
    .action(async (_options, command: Command) => {
      const { runCheck } = await import('../host-setup.ts');
      process.exitCode = await runCheck(globalsOf(command).output);
    });
}
