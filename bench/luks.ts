import { execFileSync } from 'node:child_process';
import { randomBytes, randomFillSync, randomUUID } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Secret } from '@vouchsafe/bytes/secret';
import { createHeader } from '@vouchsafe/luks/create';
import { decryptImage } from '@vouchsafe/luks/decrypt';
import { encryptImage } from '@vouchsafe/luks/encrypt';

/**
 * LUKS conversion against `qemu-img convert` into a created target, on tmpfs and on a disk. Prints one JSON object;
 * ratios are ours to QEMU's rate in the same run. Usage: node bench/luks.ts [--mib 256] [--rounds 3] [--disk DIRECTORY]
 */
const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '256' },
    rounds: { type: 'string', default: '3' },
    workers: { type: 'string', default: '2' },
    disk: { type: 'string', default: tmpdir() },
    tmpfs: { type: 'string', default: '/dev/shm' },
  },
});
const [mib, rounds, workers] = [Number(values.mib), Number(values.rounds), Number(values.workers)];

const volumeKey = Secret.take(randomBytes(64));
const passphrase = Secret.take(Buffer.from(randomBytes(32).toString('base64url'), 'latin1'));
const uuid = randomUUID();
const header = createHeader({ volumeKey, passphrase, uuid, iterations: 1000, random: randomBytes });

/** Seconds of the quickest of some runs: the one least disturbed by other work on the machine. */
async function quickest(prepare: () => void, f: () => unknown): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    prepare();
    const start = performance.now();
    await f();
    best = Math.min(best, (performance.now() - start) / 1000);
  }
  return best;
}

function writeRandom(path: string): void {
  const file = openSync(path, 'w');
  const chunk = new Uint8Array(1 << 20);
  for (let i = 0; i < mib; i++) writeSync(file, randomFillSync(chunk));
  closeSync(file);
}

async function measure(parent: string) {
  const directory = mkdtempSync(join(parent, 'luks-bench-'));
  const at = (name: string) => join(directory, name);
  const remove = () => rmSync(at('target'), { force: true });
  try {
    writeRandom(at('plain'));
    passphrase.use((bytes) => writeFileSync(at('passphrase'), bytes, { mode: 0o600 }));
    const secret = ['--object', `secret,id=s,file=${at('passphrase')}`];
    const luks = `driver=luks,key-secret=s,file.filename=${at('target')}`;
    const created = () => {
      writeFileSync(at('target'), header);
      truncateSync(at('target'), header.length + mib * 2 ** 20);
    };
    const qemu = await quickest(created, () =>
      execFileSync('qemu-img', [
        'convert',
        '-n',
        '-m',
        '8',
        '-W',
        ...secret,
        '--target-image-opts',
        '-f',
        'raw',
        at('plain'),
        luks,
      ]),
    );
    const common = { workers, random: randomBytes, into: { target: at('target') } };
    const keys = { volumeKey, passphrase, uuid, iterations: 1000 };
    const encrypt = await quickest(remove, () => encryptImage({ ...common, ...keys, source: at('plain') }));
    const raw = `driver=raw,file.filename=${at('plain')}`;
    execFileSync('qemu-img', ['compare', ...secret, '--image-opts', raw, luks]);
    const removePlain = () => rmSync(at('again'), { force: true });
    const decrypt = await quickest(removePlain, () =>
      decryptImage({ ...common, source: at('target'), into: { target: at('again') }, passphrase }),
    );
    const rate = (seconds: number) => Math.round(mib / seconds);
    return {
      qemuMibPerS: rate(qemu),
      encryptMibPerS: rate(encrypt),
      decryptMibPerS: rate(decrypt),
      ratio: Number((qemu / encrypt).toFixed(2)),
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const tmpfs = await measure(values.tmpfs);
const disk = await measure(values.disk);
const peakRssMib = Math.round(process.resourceUsage().maxRSS / 1024);
process.stdout.write(`${JSON.stringify({ mib, workers, tmpfs, disk, peakRssMib })}\n`);
