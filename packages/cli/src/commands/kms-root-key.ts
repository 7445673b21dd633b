import { resolve } from 'node:path';
import type { RootKeyChoice } from '@vouchsafe/services/kms/root-key/envelope';
import type { Command } from 'commander';
import { globalsOf } from '../context.ts';
import { print, say, type View } from '../output.ts';

/** `vouchsafe kms root-key`: what protects the key of the key server's store. */
export function addRootKey(kms: Command): void {
  const rootKey = kms.command('root-key').description('what protects the keys of the key server while it is off');
  addShow(rootKey);
  addSet(rootKey.command('set').description('move to another root key; a server that runs keeps on'));
  addRecovery(rootKey);
}

interface Shown {
  readonly kind: RootKeyChoice['kind'];
  readonly where: string;
  /** When the recovery key was made. */
  readonly recovery: string | null;
  readonly opens: boolean;
}

const shownView: View<Shown> = {
  fields: [
    ['root key', ({ kind }) => kind],
    ['where', ({ where }) => where],
    ['recovery key', ({ recovery }) => recovery ?? 'none: who loses the root key loses every key'],
    ['opens', ({ opens }) => (opens ? 'yes' : 'no: see above')],
  ],
  name: ({ kind }) => kind,
};

const data = ['--data <dir>', 'the data of the key server'] as const;
const recovery = ['--recovery <file>', 'open the store with the recovery key, when the root key is lost'] as const;

function addShow(rootKey: Command): void {
  rootKey
    .command('show')
    .description('which root key the store wants, and whether it opens the store')
    .requiredOption(...data)
    .addHelpText(
      'after',
      `
Tries the root key: a token is logged in to, once.

Examples:
  vouchsafe kms root-key show --data /var/lib/vouchsafe-kms
  vouchsafe kms root-key show --data ./kms -o json`,
    )
    .action(async (options: { data: string }, command: Command) => {
      const { showRootKey } = await import('@vouchsafe/services/kms/root-key/show');
      const { problem, ...shown } = await showRootKey(options.data);
      if (problem !== undefined) say(problem.message);
      print<Shown>(shown, shownView, globalsOf(command).output);
      if (problem !== undefined) process.exitCode = problem.facts.exit;
    });
}

function addSet(set: Command): void {
  set
    .command('file')
    .description('a file of 32 octets; protects a copy of the database, not a copy of the disk')
    .requiredOption(...data)
    .option('--file <path>', 'the file, made when it is missing; default: root.key in the data folder')
    .option(...recovery)
    .addHelpText(
      'after',
      '\nExamples:\n  vouchsafe kms root-key set file --data /var/lib/vouchsafe-kms\n  vouchsafe kms root-key set file --data ./kms --file /media/stick/kms.key',
    )
    .action((options: { data: string; file?: string; recovery?: string }) =>
      move(options, { kind: 'file', path: options.file === undefined ? 'root.key' : resolve(options.file) }),
    );
  set
    .command('tpm')
    .description('sealed by the TPM of this machine; protects a stolen disk')
    .requiredOption(...data)
    .option('--tpm <where>', 'character device, or unix:PATH of an swtpm data socket', '/dev/tpmrm0')
    .option(...recovery)
    .addHelpText(
      'after',
      `
Make a recovery key first: a TPM that was cleared or broke opens nothing.

Examples:
  vouchsafe kms root-key set tpm --data /var/lib/vouchsafe-kms
  vouchsafe kms root-key set tpm --data ./kms --recovery /media/stick/recovery.key`,
    )
    .action((options: { data: string; tpm: string; recovery?: string }) =>
      move(options, { kind: 'tpm', tpm: options.tpm }),
    );
  addSetPkcs11(set);
}

function addSetPkcs11(set: Command): void {
  set
    .command('pkcs11')
    .description('a key in a PKCS#11 token (HSM, smart card) that never leaves it; protects a stolen machine as well')
    .requiredOption(...data)
    .requiredOption('--module <path>', "the shared library of the token's vendor")
    .requiredOption('--token <label>', 'label of the token')
    .option('--serial <number>', 'serial number of the token, where several have this label')
    .option('--key <label>', 'label of the AES-256 key, made when it is missing', 'vouchsafe-kms')
    .requiredOption('--pin-file <path>', 'file with the PIN of the token, mode 0600; read at every start')
    .option(...recovery)
    .addHelpText(
      'after',
      `
Builds the module that speaks PKCS#11 on first use; that needs npm, g++, make and python3. A PIN that the token refused
is not tried again until its file changes.

Examples:
  vouchsafe kms root-key set pkcs11 --data /var/lib/vouchsafe-kms --module /usr/lib/softhsm/libsofthsm2.so --token kms --pin-file /etc/vouchsafe/kms.pin
  vouchsafe kms root-key set pkcs11 --data ./kms --module /opt/hsm/libpkcs11.so --token kms --serial 0123 --pin-file pin --recovery recovery.key`,
    )
    .action(async (options: Pkcs11Options) => {
      const { ensurePkcs11 } = await import('@vouchsafe/services/pkcs11/install');
      await ensurePkcs11(say);
      const { module, token, serial, key, pinFile } = options;
      await move(options, {
        kind: 'pkcs11',
        module: resolve(module),
        token,
        ...(serial !== undefined && { serial }),
        key,
        pin_file: resolve(pinFile),
      });
    });
}

interface Pkcs11Options {
  readonly data: string;
  readonly module: string;
  readonly token: string;
  readonly serial?: string;
  readonly key: string;
  readonly pinFile: string;
  readonly recovery?: string;
}

async function move(options: { data: string; recovery?: string }, choice: RootKeyChoice): Promise<void> {
  const { kmsLayout, makeKmsFolders } = await import('@vouchsafe/services/kms/layout');
  const { setRootKey } = await import('@vouchsafe/services/kms/root-key/set-root-key');
  const layout = kmsLayout(options.data);
  makeKmsFolders(layout);
  const { where, left } = await setRootKey(layout, choice, { recovery: options.recovery });
  say(`the root key is now ${where}`);
  if (left !== undefined) say(`${left} is no longer used: keep it as long as backups from before, then remove it`);
}

function addRecovery(rootKey: Command): void {
  rootKey
    .command('recovery')
    .description('make a key that opens the store when the root key is lost, in place of the one before')
    .requiredOption(...data)
    .requiredOption('--out <file>', 'where to write it; it must not stay on this machine')
    .addHelpText(
      'after',
      `
Whoever has this file and store.key has every key of the key server: lock it away.

Examples:
  vouchsafe kms root-key recovery --data /var/lib/vouchsafe-kms --out /media/stick/recovery.key
  vouchsafe kms root-key recovery --data ./kms --out recovery.key`,
    )
    .action(async (options: { data: string; out: string }) => {
      const { kmsLayout } = await import('@vouchsafe/services/kms/layout');
      const { makeRecoveryKey } = await import('@vouchsafe/services/kms/root-key/recovery');
      const { replaced } = await makeRecoveryKey(kmsLayout(options.data), options.out, new Date());
      say(`${options.out} opens the store together with store.key: keep a copy of both away from this machine`);
      if (replaced) say('the recovery key from before no longer opens it');
    });
}
