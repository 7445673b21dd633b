import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Problem } from '@vouchsafe/domain/problem';

/** What gpgv(1) says of a signature that holds, and of one that speaks against all others. */
const good = /^\[GNUPG:\] VALIDSIG /m;
const bad = /^\[GNUPG:\] (?:BADSIG|REVKEYSIG|EXPKEYSIG|EXPSIG) /m;

/**
 * The text that somebody of the keyring signed, as gpgv took it out of its signature: what stands around it in the file
 * was signed by nobody. One good signature is enough: archives are signed with keys that an older keyring lacks.
 * @param inRelease with the signature in it, or `release` with the one beside it
 * @throws {Problem} `archive.untrusted`, `file.unreadable` when the keyring or gpgv is missing
 */
export async function signedText(
  of: { readonly inRelease: Uint8Array } | { readonly release: Uint8Array; readonly signature: Uint8Array },
  keyring: string,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vouchsafe-gpgv-'));
  try {
    const out = join(folder, 'text');
    if ('inRelease' in of) {
      await writeFile(join(folder, 'InRelease'), of.inRelease);
      await gpgv(['--output', out, join(folder, 'InRelease')], keyring);
      return await readFile(out, 'utf8');
    }
    await writeFile(join(folder, 'Release'), of.release);
    await writeFile(join(folder, 'Release.gpg'), of.signature);
    await gpgv([join(folder, 'Release.gpg'), join(folder, 'Release')], keyring);
    return Buffer.from(of.release).toString('utf8');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function gpgv(args: readonly string[], keyring: string): Promise<void> {
  await readable(keyring);
  const fixed = ['--status-fd', '1', '--weak-digest', 'SHA1', '--keyring', resolve(keyring)];
  const { code, said } = await run('gpgv', [...fixed, ...args]);
  if (good.test(said) && !bad.test(said)) return;
  const why = /^gpgv: .*(?:BAD|Can't check|expired|revoked|invalid|no valid|error).*$/im.exec(said)?.[0];
  throw new Problem('archive.untrusted', `signature of the archive: ${why ?? `gpgv left with ${code}`}`);
}

async function readable(keyring: string): Promise<void> {
  let start: string;
  try {
    start = (await readFile(keyring)).subarray(0, 64).toString('latin1');
  } catch (cause) {
    throw new Problem('file.unreadable', `keyring ${keyring}: ${(cause as Error).message}`, { cause });
  }
  if (start.includes('-----BEGIN PGP'))
    throw new Problem('input.malformed', `keyring ${keyring}: in ASCII armour; gpg --dearmor makes a keyring of it`);
}

/** @throws {Problem} `file.unreadable` when there is no such program */
function run(program: string, args: readonly string[]): Promise<{ code: number; said: string }> {
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', HOME: '/nonexistent' };
  return new Promise((done, reject) => {
    execFile(program, args, { env, timeout: 60_000, maxBuffer: 1024 * 1024 }, (error, stdout, stderr) => {
      if ((error as NodeJS.ErrnoException | null)?.code === 'ENOENT')
        reject(new Problem('file.unreadable', `${program}: not installed; apt-get install gpgv`, { cause: error }));
      else done({ code: Number((error as { code?: unknown } | null)?.code ?? 0), said: `${stdout}\n${stderr}` });
    });
  });
}
