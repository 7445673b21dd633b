import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { seeded } from '@vouchsafe/bytes/hostile';
import { Secret } from '@vouchsafe/bytes/secret';
import { createHeader, type NewHeader } from '../create.ts';

/** Seeded bytes: good for tests only. */
export function seededBytes(seed: number): (size: number) => Uint8Array<ArrayBuffer> {
  const next = seeded(seed);
  return (size) => Uint8Array.from({ length: size }, () => next() * 256);
}

export const sampleUuid = '5a1b0c5e-8f0e-4c55-9d5a-2a6d0f6f3c11';

/** A volume key and a passphrase as its caller would make them. */
export function sampleKeys(seed: number): { volumeKey: Secret; passphrase: Secret } {
  const random = seededBytes(seed);
  return { volumeKey: Secret.take(random(64)), passphrase: passphraseOf(random(32)) };
}

export const passphraseOf = (bytes: Uint8Array): Secret =>
  Secret.take(Buffer.from(Buffer.from(bytes).toString('base64url'), 'latin1'));

export function sampleHeader(seed: number, change: Partial<NewHeader> = {}): Uint8Array<ArrayBuffer> {
  const random = seededBytes(seed + 1);
  return createHeader({ ...sampleKeys(seed), uuid: sampleUuid, iterations: 1000, random, ...change });
}

/** A directory that goes away with the test. */
export function scratch(t: TestContext, parent = tmpdir()): (name: string) => string {
  const directory = mkdtempSync(join(parent, 'luks-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return (name) => join(directory, name);
}

/** Writes a secret where a foreign tool can read it; the file goes with the scratch directory. */
export function lend(path: string, secret: Secret): string {
  secret.use((bytes) => writeFileSync(path, bytes, { mode: 0o600 }));
  return path;
}

/** False with the reason when one of the programs is missing: for a test's `skip`. */
export function missing(...programs: string[]): string | false {
  const absent = programs.filter((program) => spawnSync(program, ['--version']).error !== undefined);
  return absent.length > 0 && `not installed: ${absent.join(', ')}`;
}

export const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Arguments with which the QEMU tools open a LUKS image. */
export const qemuImage = (image: string): string => `driver=luks,key-secret=s,file.filename=${image}`;
export const qemuSecret = (path: string): string[] => ['--object', `secret,id=s,file=${path}`];

/**
 * Lets QEMU make a LUKS image. Before that it measures how fast it does PBKDF2, and gives up on a busy machine ("Unable
 * to get accurate CPU usage"): then it is asked again.
 */
export function qemuMakesLuks(...args: string[]): void {
  for (let attempt = 1; ; attempt++) {
    try {
      run('qemu-img', ...args);
      return;
    } catch (error) {
      if (attempt === 20 || !String(error).includes('accurate CPU usage')) throw error;
    }
  }
}
