import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TestingError } from '../error.ts';

/** A real measured boot that is kept in the repository. */
export interface RecordedBoot {
  readonly name: string;
  /** Paths of the two logs and of the command line, for whoever reads files as on a real host. */
  readonly eventLogPath: string;
  readonly imaLogPath: string;
  readonly commandLinePath: string;
  /** The firmware's event log, TCG crypto-agile format. */
  readonly eventLog: Uint8Array;
  /** The kernel's list of measured files, binary, template ima-sig. */
  readonly imaLog: Uint8Array;
  /** PCRs 0-23 of the SHA-256 bank as the machine's TPM gave them, lower-case hexadecimal. */
  readonly pcrs: ReadonlyMap<number, string>;
  readonly commandLine: string;
  readonly kernelRelease: string;
}

/** Where the recorded boots stand. */
export const bootsFolder = join(import.meta.dirname, '../testdata/boots');

/** The recorded boots by name. */
export const recordedBoots = ['debian12-uki-a', 'debian12-uki-b', 'debian12-uki-a-cmdline'] as const;
export type RecordedBootName = (typeof recordedBoots)[number];

/** Reads a recorded boot. @throws {TestingError} `bad-recording` */
export async function loadBoot(name: string): Promise<RecordedBoot> {
  const folder = join(bootsFolder, name);
  const known = await readdir(bootsFolder);
  if (!known.includes(name)) {
    throw new TestingError('bad-recording', `no recorded boot ${name}, there are ${known.join(', ')}`);
  }
  const text = async (file: string) => (await readFile(join(folder, file), 'utf8')).trim();
  const eventLogPath = join(folder, 'binary_bios_measurements');
  const imaLogPath = join(folder, 'binary_runtime_measurements');
  return {
    name,
    eventLogPath,
    imaLogPath,
    commandLinePath: join(folder, 'cmdline'),
    eventLog: await readFile(eventLogPath),
    imaLog: await readFile(imaLogPath),
    pcrs: parsePcrs(await text('pcrs.txt')),
    commandLine: await text('cmdline'),
    kernelRelease: await text('kernel-release'),
  };
}

function parsePcrs(text: string): Map<number, string> {
  const rows = [...text.matchAll(/^sha256:(\d+)=([0-9A-Fa-f]{64})$/gm)];
  if (rows.length !== 24) throw new TestingError('bad-recording', `pcrs.txt: ${rows.length} SHA-256 PCRs, expected 24`);
  return new Map(rows.map((row) => [Number(row[1]), row[2]!.toLowerCase()]));
}
