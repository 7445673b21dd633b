import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import sea from 'node:sea';
import { Problem } from '@vouchsafe/domain/problem';
import { soleOwner } from '@vouchsafe/store/sole-owner';

/** The package outside the workspaces whose one dependency is the native module: nobody else installs it. */
export const pkcs11Package = sea.isSea() ? '' : resolve(import.meta.dirname, '../../../../pkcs11/package.json');

/** What builds a native module, by program and Debian package. */
const tools = { npm: 'npm', 'g++': 'g++', make: 'make', python3: 'python3' } as const;

/**
 * Builds and installs pkcs11js where it is not, or is another than the lock file says: `npm ci` of its own lock file,
 * against the headers of the Node that came along, so that nothing but that package is fetched.
 *
 * @param say is told before it begins
 * @throws {Problem} `host.unsupported`, `host.package-missing` with what to install, `file.unreadable`
 */
export async function ensurePkcs11(say: (line: string) => void, packageFile = pkcs11Package): Promise<void> {
  if (packageFile === '')
    throw new Problem(
      'host.unsupported',
      'PKCS#11 needs a module that is built: run vouchsafe from its folder of sources',
    );
  if (isInstalled(packageFile)) return;
  const folder = dirname(packageFile);
  needWritable(folder);
  using _lock = soleOwner(join(folder, '.install-lock'), 120_000);
  if (isInstalled(packageFile)) return;
  needTools();
  const nodedir = headers();
  say('building pkcs11js from its lock file (once)');
  const { code, tail } = await npmCi(folder, nodedir);
  if (code !== 0)
    throw new Problem(
      'host.package-missing',
      `npm ci in ${folder} failed: ${tail}; check the network and the build tools`,
    );
  if (!existsSync(join(folder, 'node_modules/pkcs11js/build/Release/pkcs11.node')))
    throw new Problem('host.package-missing', `npm ci in ${folder} built nothing: is ignore-scripts set for npm?`);
  writeFileSync(stamp(folder), wanted(packageFile));
}

const stamp = (folder: string) => join(folder, 'node_modules', '.vouchsafe-lock');
const wanted = (packageFile: string) =>
  createHash('sha256')
    .update(readFileSync(join(dirname(packageFile), 'package-lock.json')))
    .digest('hex');

function isInstalled(packageFile: string): boolean {
  const path = stamp(dirname(packageFile));
  return existsSync(path) && readFileSync(path, 'utf8') === wanted(packageFile);
}

function needWritable(folder: string): void {
  try {
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    const hint = 'run `vouchsafe kms root-key set pkcs11` once as its owner: it builds the module there';
    throw new Problem('file.unreadable', `${folder}: ${(cause as Error).message}; ${hint}`, { cause });
  }
}

function needTools(): void {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const missing = Object.entries(tools).filter(([program]) => !folders.some((each) => existsSync(join(each, program))));
  if (missing.length === 0) return;
  const packages = missing.map(([, name]) => name).join(' ');
  throw new Problem(
    'host.package-missing',
    `building pkcs11js needs ${packages}: apt-get install --no-install-recommends ${packages}`,
  );
}

/** The folder of a Node with its headers: the one that runs this, or the one that came along. */
function headers(): string {
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
  const own = dirname(dirname(process.execPath));
  const bundled = resolve(import.meta.dirname, `../../../../node_modules/node-linux-${arch}`);
  const found = [own, bundled].find((folder) => existsSync(join(folder, 'include/node/node_api.h')));
  if (found !== undefined) return found;
  throw new Problem(
    'host.package-missing',
    `there are no headers of Node in ${own} or ${bundled}: rm -rf node_modules and start ./vouchsafe again`,
  );
}

function npmCi(folder: string, nodedir: string): Promise<{ code: number; tail: string }> {
  const env = {
    ...process.env,
    npm_config_nodedir: nodedir,
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
  };
  const child = spawn('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text = (text + chunk).slice(-4096)));
  return new Promise((resolve) => {
    child.once('error', (cause) => resolve({ code: 1, tail: cause.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, tail: text.trim().split('\n').slice(-4).join('; ') }));
  });
}
