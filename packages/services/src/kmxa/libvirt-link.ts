import { Problem } from '@vouchsafe/domain/problem';
import { connectLibvirt, type LibvirtConnection } from '../libvirt/connection.ts';
import { LibvirtError } from '../libvirt/error.ts';

/** Milliseconds until the connection is open. A daemon that is starting answers nobody, and a hook must not wait for it. */
const deadline = 5_000;
/** Milliseconds for a call: the first domain of a machine is defined only after libvirt has asked QEMU what it can. */
const callDeadline = 60_000;

/** The connection to libvirt, made again after the daemon was restarted. */
export class LibvirtLink {
  readonly #socketPath: string;
  #open: Promise<LibvirtConnection> | undefined;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** Runs calls on an open connection. @throws {Problem} `libvirt.unavailable`, `libvirt.refused` */
  async use<T>(work: (connection: LibvirtConnection) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#connection());
    } catch (error) {
      if (!(error instanceof LibvirtError)) throw error;
      const kind = error.kind === 'refused' ? 'libvirt.refused' : 'libvirt.unavailable';
      if (kind === 'libvirt.unavailable') this.close();
      throw new Problem(kind, error.message, { cause: error });
    }
  }

  close(): void {
    void this.#open?.then((connection) => connection[Symbol.dispose]()).catch(() => undefined);
    this.#open = undefined;
  }

  #connection(): Promise<LibvirtConnection> {
    this.#open ??= this.#connect();
    return this.#open;
  }

  async #connect(): Promise<LibvirtConnection> {
    try {
      const connection = await connectLibvirt({ socketPath: this.#socketPath, deadline, callDeadline });
      void connection.closed.then(() => {
        this.#open = undefined;
      });
      return connection;
    } catch (error) {
      this.#open = undefined;
      throw error;
    }
  }
}
