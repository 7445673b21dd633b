import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RootKeyChoice } from '../../kms/root-key/envelope.ts';
import type { TokenPlace } from '../session.ts';

const modulePath = '/usr/lib/softhsm/libsofthsm2.so';

/** Why tests on a PKCS#11 token cannot run; false when they can. For the `skip` option of a test. */
export const withoutSoftHsm = existsSync(modulePath) ? false : 'softhsm2 is not installed';

/** A root key in a token. */
export const choiceOf = (
  { module, token, pinFile }: TokenPlace,
  key = 'kms',
): Extract<RootKeyChoice, { kind: 'pkcs11' }> => ({
  kind: 'pkcs11',
  module,
  token,
  key,
  pin_file: pinFile,
});

/** Tokens of SoftHSM in a temporary folder of their own; this process and its children see no others. */
export class SoftHsm implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'softhsm-'));
  readonly #before = process.env.SOFTHSM2_CONF;

  constructor() {
    mkdirSync(join(this.folder, 'tokens'));
    const conf = join(this.folder, 'softhsm2.conf');
    writeFileSync(
      conf,
      `directories.tokendir = ${this.folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n`,
    );
    process.env.SOFTHSM2_CONF = conf;
  }

  get tokens(): string {
    return join(this.folder, 'tokens');
  }

  /** Makes a token and a file with its PIN. */
  addToken(label: string, pin = '1234-5678'): TokenPlace {
    this.tool('--init-token', '--free', '--label', label, '--so-pin', 'officer-1', '--pin', pin);
    const pinFile = join(this.folder, `${label}.pin`);
    writeFileSync(pinFile, `${pin}\n`, { mode: 0o600 });
    return { module: modulePath, token: label, pinFile };
  }

  /** Runs softhsm2-util. */
  tool(...args: string[]): string {
    return execFileSync('softhsm2-util', args, { encoding: 'utf8' });
  }

  [Symbol.dispose](): void {
    if (this.#before === undefined) delete process.env.SOFTHSM2_CONF;
    else process.env.SOFTHSM2_CONF = this.#before;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
