import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

const execute = promisify(execFile);

/** A package for the archive: its files by path. */
export interface PackageInput {
  readonly name: string;
  readonly version: string;
  readonly files: Readonly<Record<string, string>>;
  /** Hard links by path, to other files of the package. */
  readonly links?: Readonly<Record<string, string>>;
}

/** A small Debian archive with keys of its own, made with dpkg-deb and gpg. */
export class TestArchive implements AsyncDisposable {
  readonly root: string;
  readonly #home: string;
  readonly #index: string[] = [];

  private constructor(root: string) {
    this.root = root;
    this.#home = join(root, 'gnupg');
  }

  static async create(): Promise<TestArchive> {
    const archive = new TestArchive(await mkdtemp(join(tmpdir(), 'vs-archive-')));
    await mkdir(archive.#home, { mode: 0o700 });
    for (const name of ['good', 'other']) {
      await archive.#gpg('--quick-gen-key', `${name}@example.test`, 'ed25519', 'sign', 'never');
      await writeFile(archive.keyring(name), await archive.#gpg('--export', `${name}@example.test`));
    }
    return archive;
  }

  /** The keyring with the public key of `good` or `other`. */
  keyring = (name: string): string => join(this.root, `${name}.gpg`);

  async addPackage({ name, version, files, links = {} }: PackageInput): Promise<string> {
    const tree = await mkdtemp(join(this.root, 'tree-'));
    const control = `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\nMaintainer: T <t@example.test>\nDescription: test\n`;
    await this.#write(join(tree, 'DEBIAN/control'), control);
    for (const [path, content] of Object.entries(files)) await this.#write(join(tree, path), content);
    for (const [path, target] of Object.entries(links)) await execute('ln', [join(tree, target), join(tree, path)]);
    const path = `pool/${name}_${version}_amd64.deb`;
    await mkdir(join(this.root, 'pool'), { recursive: true });
    await execute('dpkg-deb', ['--root-owner-group', '-Znone', '--build', tree, join(this.root, path)]);
    const bytes = await readFile(join(this.root, path));
    this.#index.push(`${control}Filename: ${path}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n`);
    return path;
  }

  /** Writes index and Release file, and signs it. */
  async publish(
    change: { signer?: string; fields?: string; suite?: string; byHash?: boolean; detached?: boolean } = {},
  ): Promise<void> {
    const { signer = 'good', fields = '', suite = 'stable', byHash = false, detached = false } = change;
    const index = gzipSync(this.#index.join('\n'));
    const at = 'main/binary-amd64';
    const dists = join(this.root, 'dists/stable');
    await rm(dists, { recursive: true, force: true });
    const place = byHash ? `${at}/by-hash/SHA256/${sha256(index)}` : `${at}/Packages.gz`;
    await this.#write(join(dists, place), index);
    const release = `Suite: ${suite}\nCodename: bullfrog\nDate: Thu, 01 Jan 2026 00:00:00 UTC\nComponents: main\n${byHash ? 'Acquire-By-Hash: yes\n' : ''}${fields}SHA256:\n ${sha256(index)} ${index.length} ${at}/Packages.gz\n`;
    await this.#write(join(dists, 'Release'), release);
    const sign = ['--local-user', `${signer}@example.test`, '--output'];
    if (detached) await this.#gpg(...sign, join(dists, 'Release.gpg'), '--detach-sign', join(dists, 'Release'));
    else await this.#gpg(...sign, join(dists, 'InRelease'), '--clearsign', join(dists, 'Release'));
  }

  async #write(path: string, content: string | Uint8Array): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }

  async #gpg(...args: readonly string[]): Promise<Buffer> {
    const quiet = [
      '--homedir',
      this.#home,
      '--batch',
      '--yes',
      '--quiet',
      '--passphrase',
      '',
      '--pinentry-mode',
      'loopback',
    ];
    const { stdout } = await execute('gpg', [...quiet, ...args], { encoding: 'buffer' });
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await execute('gpgconf', ['--homedir', this.#home, '--kill', 'all']);
    await rm(this.root, { recursive: true, force: true });
  }
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
