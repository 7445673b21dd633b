import type { Command } from 'commander';
import { globalsOf } from '../context.ts';
import { readInput } from '../files.ts';
import { print, type View } from '../output.ts';
import type { VerifiedToken } from '../verify-token.ts';

const view: View<VerifiedToken> = {
  fields: [
    ['kind', ({ kind }) => kind],
    ['host', ({ host }) => host],
    ['scope', ({ scope }) => scope],
    ['subject', ({ subject }) => subject],
    ['image', ({ image }) => image],
    ['status', ({ status }) => status],
    ['enrolled', ({ enrolled }) => enrolled],
    ['policy', ({ policy, epoch }) => `${policy ?? 'not told'}, epoch ${epoch}`],
    ['issuer', ({ issuer }) => issuer],
    ['group', ({ group }) => group],
    ['until', ({ until }) => until],
    ['bound to', ({ holder }) => holder],
  ],
  name: ({ subject }) => subject,
};

/** `vouchsafe token`: documents of attested hosts, checked offline. */
export function addToken(program: Command): void {
  const token = program.command('token').description('attestation tokens, JWT or SAML 2.0');
  token
    .command('verify <file>')
    .description('check a token against a group, offline; leaves with 3 when it is not valid')
    .requiredOption('--ca <file>', 'the CA of the group that must have made it, PEM')
    .option('--at <time>', 'as if it were then, ISO 8601; now when not given')
    .option('--audience <uri>', 'SAML: the audience that it must be for; that of the group when not given')
    .option('--recipient <uri>', 'SAML: the recipient that it must be for')
    .option('--in-response-to <id>', 'SAML: the challenge that it must answer')
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe token verify token.jwt --ca group-ca.pem\n  vouchsafe token verify host.xml --ca group-ca.pem -o json\n  vouchsafe token verify old.xml --ca group-ca.pem --at 2026-10-01T09:00:00Z',
    )
    .action(async (file: string, options: Record<string, string | undefined>, command: Command) => {
      const { verifyTokenFile } = await import('../verify-token.ts');
      const text = (path: string, limit: number) => new TextDecoder().decode(readInput(path, limit));
      const { ca = '', at, audience, recipient, inResponseTo } = options;
      const expected = {
        ...(audience === undefined ? {} : { audience }),
        ...(recipient === undefined ? {} : { recipient }),
        ...(inResponseTo === undefined ? {} : { inResponseTo }),
      };
      const verified = await verifyTokenFile(text(file, 131072), { ca: text(ca, 65536), at, expected });
      print(verified, view, globalsOf(command).output);
    });
}
