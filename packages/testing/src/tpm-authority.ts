import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { must } from './command.ts';

/** How a TPM is manufactured. */
export interface Manufacture {
  /** Folder for the TPM's state; it is made. */
  readonly state: string;
  /** Common name of its endorsement certificate. */
  readonly name: string;
  /** Banks of PCRs that are active; SHA-256 alone otherwise. */
  readonly banks?: readonly ('sha1' | 'sha256' | 'sha384' | 'sha512')[];
}

/**
 * A maker of TPMs: a certificate authority of its own (root and issuer, made with the first TPM) in its own folder,
 * and the manufacture of swtpm TPMs whose endorsement certificates it signs.
 */
export class TpmAuthority {
  readonly #folder: string;
  /** Manufactures one after the other: the authority's serial number is a file. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param folder is made when absent; an authority that is there already goes on */
  static async create(folder: string): Promise<TpmAuthority> {
    const path = resolve(folder);
    await mkdir(path, { recursive: true, mode: 0o700 });
    await writeFile(join(path, 'localca.conf'), localcaConf(path));
    await writeFile(join(path, 'localca.options'), localcaOptions);
    await writeFile(join(path, 'setup.conf'), setupConf(path));
    return new TpmAuthority(path);
  }

  /**
   * Makes a TPM 2.0 with RSA-2048 and ECC P-384 endorsement keys and their certificates in its NV memory.
   * @throws {TestingError} when swtpm_setup fails
   */
  manufacture(wanted: Manufacture): Promise<void> {
    const next = this.#last.then(() => this.#manufacture(wanted));
    this.#last = next.catch(() => {});
    return next;
  }

  async #manufacture({ state, name, banks = ['sha256'] }: Manufacture): Promise<void> {
    const path = resolve(state);
    await mkdir(path, { recursive: true, mode: 0o700 });
    await must([
      'swtpm_setup',
      '--tpm2',
      ...['--tpmstate', path],
      ...['--config', join(this.#folder, 'setup.conf')],
      ...['--vmid', name],
      ...['--pcr-banks', banks.join(',')],
      '--create-ek-cert',
      '--create-platform-cert',
      '--overwrite',
    ]);
  }

  /** Root and issuer as PEM, the root first. There is none before the first TPM. */
  async certificates(): Promise<string> {
    const read = (name: string) => readFile(join(this.#folder, name), 'utf8');
    const [root, issuer] = await Promise.all([read('swtpm-localca-rootca-cert.pem'), read('issuercert.pem')]);
    return `${root.trimEnd()}\n${issuer.trimEnd()}\n`;
  }
}

const setupConf = (folder: string): string => `create_certs_tool=/usr/bin/swtpm_localca
create_certs_tool_config=${folder}/localca.conf
create_certs_tool_options=${folder}/localca.options
`;

const localcaConf = (folder: string): string => `statedir=${folder}
signingkey=${folder}/signkey.pem
issuercert=${folder}/issuercert.pem
certserial=${folder}/certserial
`;

const localcaOptions = `--platform-manufacturer Example
--platform-version 1
--platform-model Host
`;
