import { type KeyObject, X509Certificate } from 'node:crypto';
import { type Group, groupOf } from '@vouchsafe/domain/group/group';
import { newPair } from '@vouchsafe/domain/keys/jwk';
import { Problem } from '@vouchsafe/domain/problem';
import { HttpClient } from '../http/client.ts';

/** A key of this process with the certificate that the host's CA gave it. */
export interface Certified {
  readonly key: KeyObject;
  readonly certificate: X509Certificate;
}

export interface CertifiedKey {
  /** The group of the CA that certifies. */
  readonly group: Group;
  readonly caPem: string;
  /** Key and certificate as of now. */
  current(): Certified;
  /** Is told of every renewal. */
  onRenewal(told: (certified: Certified) => void): void;
  close(): void;
}

const renewAfter = 24 * 3600 * 1000;
const retryAfter = 60_000;

/**
 * Makes a key for this process and has the part `host` certify it; renewed daily with a new key. Keys never leave the
 * process and are never written.
 *
 * @param socket the socket on which the part `host` serves this part
 * @throws {Problem} `host.not-ready` when the part `host` does not answer
 */
export async function certifiedKey(socket: string): Promise<CertifiedKey> {
  const first = await obtain(socket);
  const listeners: ((certified: Certified) => void)[] = [];
  let now = first.certified;
  let timer = setTimeout(renew, renewAfter).unref();
  async function renew(): Promise<void> {
    try {
      now = (await obtain(socket)).certified;
      for (const told of listeners) told(now);
      timer = setTimeout(renew, renewAfter).unref();
    } catch {
      timer = setTimeout(renew, retryAfter).unref();
    }
  }
  return {
    group: groupOf(first.caPem),
    caPem: first.caPem,
    current: () => now,
    onRenewal: (told) => listeners.push(told),
    close: () => clearTimeout(timer),
  };
}

async function obtain(socket: string): Promise<{ certified: Certified; caPem: string }> {
  const client = new HttpClient({ socket });
  try {
    const { privateKey, publicKey } = newPair();
    const public_key = publicKey.export({ type: 'spki', format: 'pem' });
    const { body } = await client.call('POST', '/host/certify', { public_key });
    const { certificate, ca } = body as { certificate: string; ca: string };
    return { certified: { key: privateKey, certificate: new X509Certificate(certificate) }, caPem: ca };
  } catch (cause) {
    throw new Problem(
      'host.not-ready',
      `the part host does not certify keys on ${socket}: ${(cause as Error).message}`,
      { cause },
    );
  } finally {
    await client.close();
  }
}
