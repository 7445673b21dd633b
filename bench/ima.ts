/**
 * IMA: decoding, replaying and judging a log against its bare primitives, two hashes an entry, in the same run.
 *
 *     taskset -c 0 node --expose-gc bench/ima.ts [--entries 20000] [--rounds 20]
 */
import { createHash, hash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { concat, hex } from '@vouchsafe/bytes/hex';
import { AllowList } from '@vouchsafe/domain/attestation/ima/allow-list';
import { makeList } from '@vouchsafe/domain/attestation/ima/ima-list';
import { judgeEntries, nothingJudged, rulesFor } from '@vouchsafe/domain/attestation/ima/judge';
import { continueIma, startOfBoot } from '@vouchsafe/domain/attestation/ima/progress';
import { defaultImaSettings, imaPolicyOf } from '@vouchsafe/domain/attestation/ima-policy';
import { decodeImaLog } from '@vouchsafe/eventlog/ima/log';
import { replayIma } from '@vouchsafe/eventlog/ima/replay';
import { buildIma } from '@vouchsafe/eventlog/testing/ima';

const { values } = parseArgs({
  options: { entries: { type: 'string', default: '20000' }, rounds: { type: 'string', default: '20' } },
});
const [entries, rounds, listed] = [Number(values.entries), Number(values.rounds), 100_000];

const path = (i: number) => `/usr/lib/x86_64-linux-gnu/package-${i % 977}/file-${i}.so.1`;
const digestOf = (i: number) => new Uint8Array(createHash('sha256').update(path(i)).digest());
const piece = 1000;
const log = concat(
  ...Array.from({ length: Math.ceil(entries / piece) }, (_, k) =>
    buildIma(
      Array.from({ length: Math.min(piece, entries - k * piece) }, (_, i) => ({
        template: 'ima-sig',
        digest: digestOf(k * piece + i),
        name: path(k * piece + i),
        signature: new Uint8Array(),
      })),
    ),
  ),
);
const lines = Array.from({ length: listed }, (_, i) => ({ path: path(i), digest: hex(digestOf(i)) }));
const list = makeList({ name: 'list', source: 'bench', created: '' }, lines);

/** Memory in bytes, once collected. */
function memory(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Milliseconds of the fastest of some runs. */
function fastest(run: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

const before = memory();
const start = performance.now();
const allow = new AllowList(list);
const building = performance.now() - start;
const held = memory() - before;

const rules = rulesFor(imaPolicyOf({ ...defaultImaSettings, excludes: ['/var/log/**', '/run/**'] }, [allow]), {
  ima: { lists: ['list'] },
});
const decoded = decodeImaLog(log);
const quoted = replayIma(decoded, 'sha256').get(10)!;
const boot = startOfBoot('sha256', new Uint8Array(32));
const both = new Uint8Array(64);

const parts = {
  primitives: fastest(() => {
    for (const { hashed } of decoded) {
      both.set(hash('sha256', hashed, 'buffer'), 32);
      both.set(hash('sha256', both, 'buffer'));
    }
  }),
  decode: fastest(() => decodeImaLog(log)),
  replay: fastest(() => continueIma(boot, decoded, quoted)),
  judge: fastest(() => judgeEntries(rules, nothingJudged(rules), decoded)),
};
const whole = parts.decode + parts.replay + parts.judge;
const rounded = Object.fromEntries(Object.entries(parts).map(([name, ms]) => [name, Number(ms.toFixed(2))]));
process.stdout.write(
  `${JSON.stringify({
    entries,
    milliseconds: rounded,
    ofPrimitives: Number((parts.primitives / whole).toFixed(3)),
    list: { files: listed, buildMs: Number(building.toFixed(0)), MB: Number((held / 1e6).toFixed(1)) },
  })}\n`,
);
