import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { cached, cacheFolder } from './cache.ts';
import type { Argv, CommandOptions, CommandResult } from './command.ts';
import type { Daemon, DaemonOptions } from './daemon.ts';
import { TestingError } from './error.ts';
import {
  etcHosts,
  initScript,
  type LibvirtFacts,
  libvirtdConf,
  persistentFolders,
  qemuConf,
  qemuPersistentFolders,
  qemuStateFolder,
  qemuUser,
  volatileFolders,
} from './libvirt-config.ts';
import { type HostCertificates, installCertificates } from './migration-pki.ts';
import { Namespace } from './namespace.ts';
import { ensureSeparation, idOf, separation } from './system-user.ts';
import { until } from './wait.ts';

export interface LibvirtHostOptions {
  /** Its host name. */
  readonly name: string;
  /** Its own loopback address, see `freeLoopbackNetwork`. */
  readonly address: string;
  /** Folder of all that is persistent; it is made, and a host that was there before is found again. */
  readonly state: string;
  /** Its certificates for migration; libvirtd does not listen without them. */
  readonly certificates?: HostCertificates;
  /** Names and addresses of other hosts. */
  readonly peers?: Readonly<Record<string, string>>;
  /** User that the TPMs of guests run as; has to exist. */
  readonly swtpmUser?: string;
  /** Whether libvirt's folder of guests, which holds keys of running guests, is in memory. */
  readonly qemuStateOnTmpfs?: boolean;
}

/** Time that a host gets to answer; the first one on a machine asks QEMU for its capabilities (8 s alone). */
const readyLimitMs = 60_000;

/**
 * A libvirt host of its own on this machine: libvirtd in namespaces with folders of its own. Its guests, its TPMs and
 * whatever is spawned in it end with it. Needs root.
 *
 * The mount points (`/etc/vouchsafe` and the like) are made on the machine as empty folders and stay there.
 */
export class LibvirtHost implements AsyncDisposable {
  readonly name: string;
  readonly address: string;
  /** Folder that stands for `/` of everything persistent. */
  readonly root: string;
  readonly #options: LibvirtHostOptions;
  #namespace: Namespace | undefined;

  private constructor(options: LibvirtHostOptions, root: string) {
    this.name = options.name;
    this.address = options.address;
    this.root = root;
    this.#options = options;
  }

  /** Prepares a host without switching it on. */
  static async create(options: LibvirtHostOptions): Promise<LibvirtHost> {
    if (process.getuid?.() !== 0) {
      throw new TestingError('not-root', `not root, cannot start libvirt host ${options.name}: run this as root`);
    }
    const host = new LibvirtHost(options, join(resolve(options.state), 'root'));
    await host.#prepare();
    return host;
  }

  /** Prepares a host and switches it on. */
  static async start(options: LibvirtHostOptions): Promise<LibvirtHost> {
    const host = await LibvirtHost.create(options);
    await host.boot();
    return host;
  }

  get running(): boolean {
    return this.#namespace?.running === true;
  }

  /** Switches the host on and waits until virsh gets an answer. @throws {TestingError} `not-ready` */
  async boot(): Promise<void> {
    if (this.running) throw new TypeError(`host ${this.name} is on already`);
    const { qemuStateOnTmpfs = true, certificates } = this.#options;
    const mounted = join(this.root, '../mounted');
    await rm(mounted, { force: true });
    const script = initScript({
      name: this.name,
      tls: certificates !== undefined,
      root: this.root,
      qemuStateOwner: qemuStateOnTmpfs ? await qemuOwner() : undefined,
      mounted,
    });
    const init = join(this.root, '../init.sh');
    await writeFile(init, script);
    const namespace = await Namespace.start(init, join(this.root, '../init.log'));
    this.#namespace = namespace;
    try {
      // a command that enters before all mounts are done would see the machine's own libvirt
      await until(`mounts of host ${this.name}`, readyLimitMs, async () => {
        await namespace.mustRun();
        return existsSync(mounted) || undefined;
      });
      await this.#answering();
      await keepCapabilities(this);
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  /** Runs a command in the host to its end, whatever its exit status. */
  exec(argv: Argv, options?: CommandOptions): Promise<CommandResult> {
    return this.#on().exec(argv, options);
  }

  /** Starts a program in the host that runs on; it ends with the host at the latest. */
  spawn(argv: Argv, options: DaemonOptions): Promise<Daemon> {
    return this.#on().spawn(argv, options);
  }

  /** Runs virsh in the host. Secrets go through `input` (`--file /dev/stdin`), never through arguments. */
  virsh(args: readonly string[], input?: string | Uint8Array): Promise<CommandResult> {
    return this.exec(['virsh', '-q', '-c', 'qemu:///system', ...args], input === undefined ? {} : { input });
  }

  /** Runs virsh in the host and returns what it prints. @throws {TestingError} `command-failed` */
  async mustVirsh(args: readonly string[], input?: string | Uint8Array): Promise<string> {
    const { code, stdout, stderr } = await this.virsh(args, input);
    if (code !== 0) throw new TestingError('command-failed', `${this.name}: virsh ${args[0]}: ${stderr.trim()}`);
    return stdout;
  }

  /** A path of the host as it is reached from here; what is persistent is also reached while the host is off. */
  path(inside: string): string {
    const onDisk = persistentFolders.some((folder) => `${inside}/`.startsWith(`${folder}/`));
    const maybeInMemory = `${inside}/`.startsWith(`${qemuStateFolder}/`);
    return onDisk && !(maybeInMemory && this.running) ? join(this.root, inside) : this.#on().path(inside);
  }

  /** Restarts libvirtd alone; guests run on. */
  async restartLibvirtd(): Promise<void> {
    const before = await this.#libvirtdPid();
    this.#on().signal('SIGHUP');
    await until(`libvirtd of host ${this.name} restarts`, readyLimitMs, async () => {
      const now = await this.#libvirtdPid().catch(() => before);
      return now === before ? undefined : true;
    });
    await this.#answering();
  }

  /** Power loss: everything in the host is gone at once, memory too; nothing gets to clean up. */
  async kill(): Promise<void> {
    await this.#namespace?.kill();
    this.#namespace = undefined;
  }

  /** Switches off: guests are destroyed first. */
  async stop(): Promise<void> {
    if (!this.running) return;
    const { stdout } = await this.virsh(['list', '--name']);
    for (const guest of stdout.split('\n').filter((line) => line !== '')) await this.virsh(['destroy', guest]);
    await this.kill();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #on(): Namespace {
    if (this.#namespace === undefined) throw new TypeError(`host ${this.name} is off`);
    return this.#namespace;
  }

  async #answering(): Promise<void> {
    await until(`libvirtd of host ${this.name}`, readyLimitMs, async () => {
      await this.#on().mustRun();
      const { code } = await this.exec(['virsh', '-c', 'qemu:///system', 'list'], { timeoutMs: readyLimitMs });
      return code === 0 ? true : undefined;
    }).catch((error: unknown) => this.#explain(error));
  }

  async #explain(error: unknown): Promise<never> {
    const log = await readFile(this.path('/var/log/libvirt/libvirtd.log'), 'utf8').catch(() => '');
    const said = log.trim().split('\n').slice(-3).join('; ');
    throw new TestingError('not-ready', `${(error as Error).message}; its log ends: ${said}`, { cause: error });
  }

  async #libvirtdPid(): Promise<string> {
    return readFile(this.path('/run/libvirt/libvirtd.pid'), 'utf8');
  }

  async #prepare(): Promise<void> {
    const { swtpmUser = separation.swtpmUser, certificates, peers = {} } = this.#options;
    await ensureSeparation();
    await makeFolders(this.root);
    const etc = join(this.root, 'etc/libvirt');
    const facts: LibvirtFacts = {
      name: this.name,
      address: this.address,
      uuid: await hostUuid(join(this.root, '../host-uuid')),
      tls: certificates !== undefined,
      swtpmUser,
    };
    await writeFile(join(etc, 'libvirtd.conf'), libvirtdConf(facts));
    await writeFile(join(etc, 'qemu.conf'), qemuConf(facts));
    await writeFile(join(this.root, 'etc/hosts'), etcHosts({ [this.name]: this.address, ...peers }));
    if (certificates !== undefined) await installCertificates(join(this.root, 'etc/pki'), certificates, qemuUser.group);
    await ownSwtpmFolders(this.root, swtpmUser);
    await seedCapabilities(this.root);
  }
}

async function makeFolders(root: string): Promise<void> {
  for (const folder of persistentFolders) await mkdir(join(root, folder), { recursive: true });
  for (const folder of [...persistentFolders, ...volatileFolders]) await mkdir(folder, { recursive: true });
  await mkdir(join(root, 'etc/libvirt/hooks'), { recursive: true });
  const { uid, gid } = await qemuOwner();
  for (const name of ['', ...qemuPersistentFolders]) {
    const folder = join(root, qemuStateFolder, name);
    await mkdir(folder, { recursive: true });
    await chown(folder, uid, gid);
    await chmod(folder, 0o750);
  }
}

const qemuOwner = async (): Promise<{ uid: number; gid: number }> => ({
  uid: await idOf('passwd', qemuUser.user),
  gid: await idOf('group', qemuUser.group),
});

/** swtpm logs, and signs the certificates of guests' TPMs, as its own user. */
async function ownSwtpmFolders(root: string, user: string): Promise<void> {
  const uid = await idOf('passwd', user);
  for (const folder of ['var/log/swtpm', 'var/lib/swtpm-localca']) await chown(join(root, folder), uid, 0);
}

async function hostUuid(file: string): Promise<string> {
  if (!existsSync(file)) await writeFile(file, randomUUID());
  return readFile(file, 'utf8');
}

/** What libvirt learned about QEMU is true for every host of this machine, and takes seconds to learn. */
const capabilitiesFolder = 'var/cache/libvirt';

/** The folder of the cache for what these two programs made; an update of either makes another. */
async function capabilityCache(): Promise<string> {
  const programs = await Promise.all(['/usr/sbin/libvirtd', qemuProgram].map((path) => stat(path)));
  return `libvirt-capabilities-tcg-${programs.map(({ mtime }) => mtime.getTime() / 1000).join('-')}`;
}

const qemuProgram = '/usr/bin/qemu-system-x86_64';

async function seedCapabilities(root: string): Promise<void> {
  const known = join(cacheFolder(), await capabilityCache());
  const own = join(root, capabilitiesFolder);
  if (existsSync(known)) await cp(known, own, { recursive: true, preserveTimestamps: true });
}

async function keepCapabilities(host: LibvirtHost): Promise<void> {
  await cached(await capabilityCache(), async (folder) => {
    // libvirt asks QEMU only when somebody asks libvirt
    await host.mustVirsh(['domcapabilities', '--emulatorbin', qemuProgram, '--virttype', 'qemu']);
    await cp(join(host.root, capabilitiesFolder), folder, { recursive: true, preserveTimestamps: true });
  });
}
