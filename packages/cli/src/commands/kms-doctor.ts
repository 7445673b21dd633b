import { Secret } from '@vouchsafe/bytes/secret';
import { Problem } from '@vouchsafe/domain/problem';
import type { Examination } from '@vouchsafe/services/kms/doctor/patient';
import type { CheckResult, Diagnosis, Verdict } from '@vouchsafe/services/kms/doctor/report';
import type { Command } from 'commander';
import { globalsOf } from '../context.ts';
import { readInput } from '../files.ts';
import { print, progressLine, type View } from '../output.ts';
import { readPrivateKey } from '../private-key.ts';

interface Options {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  readonly pin?: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly foreign?: readonly string[];
  readonly timeout: string;
}

const exits: Readonly<Record<Verdict, number>> = { fit: 0, limited: 0, unfit: 2, untrusted: 3, denied: 4 };

const words: Readonly<Record<Verdict, string>> = {
  fit: 'fit for vCenter and for Vouchsafe',
  limited: 'usable; what has a warning is missing',
  unfit: 'not usable as it is',
  untrusted: 'not the server that was meant, or its certificate changed',
  denied: 'it does not let this client do what it must',
};

const view: View<CheckResult> = {
  columns: [
    ['check', ({ id }) => id],
    ['status', ({ status }) => status],
    ['what', ({ title }) => title],
    ['found', ({ detail }) => detail],
  ],
  name: ({ id }) => id,
};

const several = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** `vouchsafe kms doctor`: plays the conversation of a vCenter with any key server. */
export function addDoctor(kms: Command): void {
  kms
    .command('doctor <address>')
    .description('play the conversation of a vCenter with a key server, and say what is missing')
    .requiredOption('--cert <file>', 'certificate of the client (PEM)')
    .requiredOption('--key <file>', 'its private key (PEM)')
    .option('--ca <file>', 'authority of the server (PEM)')
    .option('--pin <sha256>', 'fingerprint of the certificate of the server')
    .option('--user <name>', 'send this user name, too')
    .option('--password-file <file>', 'and the password that this file holds')
    .option('--foreign <id>', 'a key that this client must not be able to read; may be repeated', several)
    .option('--timeout <seconds>', 'for each connection and each answer', '10')
    .addHelpText(
      'after',
      `
Makes one AES-256 key, labels, fetches and activates it, and destroys it again; a key that cannot be destroyed is named.
Leaves with 0 when the server can be used, 2 when not, 3 when its certificate is another one, 4 when it lets this client
not in.

Examples:
  vouchsafe kms doctor kms.example:5696 --cert vcenter.crt --key vcenter.key --ca ca.crt
  vouchsafe kms doctor 192.0.2.5:5696 --cert ta1.crt --key ta1.key --foreign 6f1c0f5e-1b7d-4c64-9a0e-0c5a4b8b1a11 -o json`,
    )
    .action(async (address: string, options: Options, command: Command) => {
      const { examine } = await import('@vouchsafe/services/kms/doctor/doctor');
      const { addressOf } = await import('@vouchsafe/services/config/address');
      const { output } = globalsOf(command);
      const examination = examinationOf(options);
      const line = progressLine();
      try {
        const found = await examine({ ...examination, server: addressOf(address, 'address') }, ({ title }) =>
          line.show(title),
        );
        report(found, output, line.done);
        process.exitCode = exits[found.verdict];
      } finally {
        examination.login?.password[Symbol.dispose]();
      }
    });
}

function report(found: Diagnosis, output: ReturnType<typeof globalsOf>['output'], say: (line: string) => void): void {
  if (output === 'json' || output === 'yaml') print<Diagnosis>(found, {}, output);
  else print<CheckResult>(found.checks, view, output);
  for (const { status, title, advice } of found.checks) if (advice !== undefined) say(`${status}: ${title}: ${advice}`);
  for (const id of found.left) say(`left on the server: ${id}; destroy it by other means, nobody needs it`);
  say(`${found.server}: ${words[found.verdict]}`);
}

/** @throws {Problem} */
function examinationOf(options: Options): Omit<Examination, 'server'> {
  const { ca, pin, user, passwordFile, foreign = [] } = options;
  if (ca !== undefined && pin !== undefined)
    throw new Problem('usage.invalid', '--ca and --pin are two ways to know the server: choose one');
  if ((user === undefined) !== (passwordFile === undefined))
    throw new Problem('usage.invalid', '--user and --password-file belong together');
  if (pin !== undefined && !/^[0-9a-fA-F:]{64,95}$/.test(pin))
    throw new Problem('usage.invalid', '--pin: expected a SHA-256 fingerprint in hexadecimal');
  const timeout = Number(options.timeout) * 1000;
  if (!(timeout >= 100 && timeout <= 600_000)) throw new Problem('usage.invalid', '--timeout: expected 0.1 to 600');
  const trust = ca !== undefined ? { ca: textOf(ca) } : pin !== undefined ? { pin } : undefined;
  return {
    identity: { certificate: textOf(options.cert), key: readPrivateKey(options.key) },
    ...(trust === undefined ? {} : { trust }),
    ...(user === undefined ? {} : { login: { username: user, password: passwordOf(passwordFile!) } }),
    foreign,
    timeout,
  };
}

const textOf = (path: string): string => new TextDecoder().decode(readInput(path, 256 * 1024));

/** The file without the line end that editors put there. */
function passwordOf(path: string): Secret {
  const octets = readInput(path, 4096);
  const end = octets.findLastIndex((octet) => octet !== 0x0a && octet !== 0x0d) + 1;
  const password = Secret.take(octets.slice(0, end));
  octets.fill(0);
  return password;
}
