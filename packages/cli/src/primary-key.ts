import { join } from 'node:path';
import { Problem } from '@vouchsafe/domain/problem';
import { kmipClient } from '@vouchsafe/kmip/client/client';
import { KmipError } from '@vouchsafe/kmip/error';
import { addressOf } from '@vouchsafe/services/config/address';
import { readInput } from './files.ts';
import { readPrivateKey } from './private-key.ts';

/** Which key server, and as whom. */
export interface PrimaryKeyOrder {
  /** `HOST:PORT`. */
  readonly server: string;
  readonly client: string;
  /** Folder with NAME.crt, NAME.key and ca.crt. */
  readonly certificates: string;
}

/**
 * Makes an AES-256 key on a key server and activates it.
 * @returns its unique identifier there
 * @throws {Problem} `file.unreadable`, `input.malformed`, `kmip.unreachable`, `kmip.refused`
 */
export async function makePrimaryKey({ server, client, certificates }: PrimaryKeyOrder): Promise<string> {
  const text = (name: string) => new TextDecoder().decode(readInput(join(certificates, name)));
  const [ca, certificate] = [text('ca.crt'), text(`${client}.crt`)];
  const key = readPrivateKey(join(certificates, `${client}.key`));
  using kmip = kmipClient({ servers: [{ ...addressOf(server, '--server'), trust: { ca } }], certificate, key });
  try {
    const usage = ['Encrypt', 'Decrypt', 'Wrap Key', 'Unwrap Key'] as const;
    const id = await kmip.create({ algorithm: 'AES', length: 256, usage });
    await kmip.activate(id);
    return id;
  } catch (cause) {
    if (!(cause instanceof KmipError)) throw cause;
    const kind =
      cause.code === 'operation.failed' || cause.code === 'server.untrusted' ? 'kmip.refused' : 'kmip.unreachable';
    throw new Problem(kind, cause.message, { cause });
  }
}
