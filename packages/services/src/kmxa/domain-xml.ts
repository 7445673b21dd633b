import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { Problem } from '@vouchsafe/domain/problem';
import { type DomainDescription, describeDomain } from '@vouchsafe/domain/profile/description';
import { ProfileError } from '@vouchsafe/domain/profile/error';
import { codeFiles, type SecurityProfile, securityProfile } from '@vouchsafe/domain/profile/profile';

/** A domain XML, read: what it describes and what a key safe is bound to. */
export interface ReadDomain {
  readonly xml: string;
  readonly domain: DomainDescription;
  readonly profile: SecurityProfile;
  readonly hash: string;
}

/** Larger kernels, initial file systems and firmware are refused: something else was put in their place. */
const maxCodeBytes = 512 * 1024 * 1024;

/**
 * Reads a domain XML and the files from which its guest takes its first code, so that whoever exchanges one of them
 * has changed the domain.
 * @throws {Problem} `input.malformed`, `file.unreadable` naming the file
 */
export async function readDomain(xml: string): Promise<ReadDomain> {
  try {
    const digests = new Map<string, string>();
    for (const path of codeFiles(xml)) digests.set(path, await digestOf(path));
    return { xml, domain: describeDomain(xml), ...securityProfile(xml, digests) };
  } catch (cause) {
    if (!(cause instanceof ProfileError)) throw cause;
    throw new Problem('input.malformed', cause.message, { cause });
  }
}

/** As `describeDomain`. @throws {Problem} `input.malformed` */
export function describedDomain(xml: string): DomainDescription {
  try {
    return describeDomain(xml);
  } catch (cause) {
    throw new Problem('input.malformed', (cause as Error).message, { cause });
  }
}

/** SHA-256 of a regular file, in hexadecimal. */
async function digestOf(path: string): Promise<string> {
  try {
    const status = await stat(path);
    if (!status.isFile() || status.size > maxCodeBytes)
      throw new TypeError(`expected a regular file of at most ${maxCodeBytes} bytes`);
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash);
    return hash.digest('hex');
  } catch (cause) {
    throw new Problem('file.unreadable', `${path}: ${(cause as Error).message}`, { cause });
  }
}
