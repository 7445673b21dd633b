import { statSync } from 'node:fs';
import type { Listener } from './listener.ts';
import type { KmsEvent } from './serve.ts';
import type { ServerIdentity } from './server-certificate.ts';

/** What is watched, and who is told. */
interface Watched {
  /** The file with certificate and key. */
  readonly file: string;
  readonly identity: ServerIdentity;
  /** Reads the file, and makes our own certificate anew when it is near its end. */
  readonly identify: () => Promise<ServerIdentity>;
  readonly listener: Pick<Listener, 'show'>;
  readonly report: (event: KmsEvent) => void;
  readonly now: () => Date;
  /** Milliseconds between two looks at the file; 2 seconds when left out. */
  readonly every?: number;
}

const day = 86_400_000;
/** Looks at a file that did not change, until the dates in it are looked at again. */
const patience = 1800;

/**
 * Shows a certificate that was put into place while the server runs, and renews our own before it ends. A file that
 * cannot be read changes nothing: the server goes on with the certificate that it has, and says so.
 */
export function watchIdentity({ file, identity, identify, listener, report, now, every = 2000 }: Watched): {
  close(): void;
} {
  let [shown, seen, looks, busy] = [identity, stampOf(file), 0, false];
  warn(shown, now(), report);
  const look = async () => {
    const stamp = stampOf(file);
    if (busy || (stamp === seen && ++looks < patience)) return;
    [seen, looks, busy] = [stamp, 0, true];
    try {
      const found = await identify();
      seen = stampOf(file);
      if (found.fingerprint !== shown.fingerprint) {
        listener.show(found);
        shown = found;
        report({ event: 'certificate', fingerprint: found.fingerprint, expires: found.expires });
      }
      warn(shown, now(), report);
    } catch (error) {
      report({ event: 'failed', error });
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(look, every);
  timer.unref();
  return { close: () => clearInterval(timer) };
}

function warn({ expires, ours }: ServerIdentity, now: Date, report: (event: KmsEvent) => void): void {
  if (!ours && expires.getTime() - now.getTime() < 30 * day)
    report({ event: 'expiring', what: 'the certificate of the server', expires });
}

/** What changes when a file is replaced. */
function stampOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? '' : `${found.ino}/${found.mtimeMs}/${found.size}`;
}
