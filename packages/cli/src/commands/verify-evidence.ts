import { Problem } from '@vouchsafe/domain/problem';
import type { Command } from 'commander';
import { globalsOf } from '../context.ts';
import { readInput } from '../files.ts';
import { print, say, type View } from '../output.ts';
import type { EvidenceReport } from '../verify-evidence.ts';

const view: View<EvidenceReport> = {
  fields: [
    ['host', ({ host }) => host],
    ['endorsement key', ({ ek }) => ek],
    ['time', ({ time }) => time],
    ['given by', ({ instance }) => instance],
    ['group', ({ group }) => group],
    ['evidence', ({ evidence }) => evidence],
    ['policy', ({ policy, epoch }) => `${policy}, epoch ${epoch}`],
    ['image', ({ image }) => image],
    ['recorded verdict', ({ recorded }) => (recorded.trusted ? 'trusted' : 'not trusted')],
    ['verdict now', ({ trusted }) => (trusted ? 'trusted' : 'NOT TRUSTED')],
    [
      'findings',
      ({ findings }) =>
        findings.map(
          ({ severity, check, detail, advice }) =>
            `${severity} ${check}: ${detail}${advice === undefined ? '' : ` (${advice})`}`,
        ),
    ],
  ],
  name: ({ evidence }) => evidence,
};

/** `vouchsafe verify-evidence`: a verdict made again, offline, years later. */
export function addVerifyEvidence(program: Command): void {
  program
    .command('verify-evidence <bundle>')
    .description(
      'check an exported bundle and make its verdict again, with the policy and at the time of that day; leaves with 3 when it is not trusted',
    )
    .option('--group <id>', 'the group that must have given the verdict, as `vouchsafe host status` shows it')
    .option('--ca <file>', 'the CA of that group, PEM')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe verify-evidence kvm3.evidence --ca group-ca.pem\n  vouchsafe verify-evidence kvm3.evidence --group 8mX0... -o json',
    )
    .action(async (file: string, { group, ca }: { group?: string; ca?: string }, command: Command) => {
      if ((group === undefined) === (ca === undefined))
        throw new Problem('usage.invalid', 'expected either --group or --ca: whose word the bundle is must be known');
      const { verifyEvidence } = await import('../verify-evidence.ts');
      const pem = ca === undefined ? undefined : new TextDecoder().decode(readInput(ca, 65536));
      const report = await verifyEvidence(readInput(file), { group, ca: pem });
      print(report, view, globalsOf(command).output);
      if (report.findings.some(({ check }) => check === 'bundle.differs'))
        say('ATTENTION: this version does not come to the recorded verdict; see bundle.differs');
      if (!report.trusted) process.exitCode = 3;
    });
}
