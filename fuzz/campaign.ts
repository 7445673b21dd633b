import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { copy, hex } from '@vouchsafe/bytes/hex';
import { mutant } from '@vouchsafe/bytes/hostile';
import type { Target } from './target.ts';

/** How long a campaign goes on: until either is reached. */
export interface Budget {
  readonly seed: number;
  readonly runs: number;
  readonly seconds: number;
}

/** One input and how long it took. */
export interface Slowest {
  readonly run: number;
  readonly milliseconds: number;
}

/** What became of a target. */
export interface Outcome {
  readonly target: string;
  readonly runs: number;
  readonly seconds: number;
  readonly samples: number;
  /** Samples that are accepted unchanged: without any, nothing behind the first check is reached. */
  readonly whole: number;
  readonly accepted: number;
  readonly refused: number;
  readonly slowest: Slowest;
  /** Growth of the heap from first to last run, after collection. */
  readonly grownMiB: number;
  readonly failure?: Failure;
}

/** Everything that is needed to see a failure again. */
export interface Failure {
  readonly seed: number;
  readonly run: number;
  readonly why: string;
  /** The smallest part of the input that still fails, hexadecimal. */
  readonly input: string;
}

/** An input that takes longer is told, */
export const slowMilliseconds = 250;
/** and one that takes this long fails: a busy machine alone makes nothing so slow. */
const hungMilliseconds = 2000;
const mostGrownMiB = 96;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapMiB(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}

/** Feeds a target with mutants until the budget is used up or one of them fails. */
export async function campaign(target: Target, { seed, runs, seconds }: Budget): Promise<Outcome> {
  const counts = { accepted: 0, refused: 0 };
  let slowest: Slowest = { run: 0, milliseconds: 0 };
  let failure: Failure | undefined;
  let whole = 0;
  for (const sample of target.samples) if ((await play(target, sample)).verdict === 'accepted') whole++;
  const before = heapMiB();
  const began = performance.now();
  let run = 0;
  for (; run < runs && performance.now() - began < seconds * 1000 && failure === undefined; run++) {
    const input = mutant(target, seed, run);
    const { verdict, milliseconds } = await play(target, input);
    if (milliseconds > slowest.milliseconds) slowest = { run, milliseconds: Math.round(milliseconds) };
    if (verdict === 'accepted' || verdict === 'refused') counts[verdict]++;
    else failure = { seed, run, why: verdict, input: hex(await smallest(target, input)) };
    // Callbacks of libraries and the collector get their turn, as they do in a service.
    if (run % 256 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const grownMiB = Math.max(0, Math.round(heapMiB() - before));
  if (failure === undefined && grownMiB > mostGrownMiB)
    failure = { seed, run, why: `the heap grew by ${grownMiB} MiB`, input: '' };
  const result = { target: target.name, runs: run, seconds: Math.round((performance.now() - began) / 100) / 10 };
  return {
    ...result,
    samples: target.samples.length,
    whole,
    ...counts,
    slowest,
    grownMiB,
    ...(failure === undefined ? {} : { failure }),
  };
}

/** What a target makes of one input: `accepted`, `refused`, or what is wrong. */
export async function play(target: Target, input: Uint8Array): Promise<{ verdict: string; milliseconds: number }> {
  const first = await timed(target, input);
  // On a busy machine anything may take long once.
  const again = first.milliseconds > slowMilliseconds ? await timed(target, input) : first;
  const milliseconds = Math.min(first.milliseconds, again.milliseconds);
  const hung = milliseconds > hungMilliseconds ? `took ${Math.round(milliseconds)} ms` : undefined;
  return { verdict: hung ?? first.verdict, milliseconds };
}

async function timed(target: Target, input: Uint8Array): Promise<{ verdict: string; milliseconds: number }> {
  const began = performance.now();
  const verdict = await verdictOf(target, input);
  return { verdict, milliseconds: performance.now() - began };
}

async function verdictOf(target: Target, input: Uint8Array): Promise<string> {
  try {
    const pending = target.run(copy(input));
    if (pending instanceof Promise) await pending;
    return 'accepted';
  } catch (error) {
    return target.refuses(error) ? 'refused' : inWords(error);
  }
}

const inWords = (error: unknown): string =>
  error instanceof Error
    ? `${error.stack}${error.cause === undefined ? '' : ` because of ${inWords(error.cause)}`}`
    : String(error);

/** Leaves out halves, quarters and so on as long as what is left still fails. */
async function smallest(target: Target, input: Uint8Array): Promise<Uint8Array> {
  const fails = async (bytes: Uint8Array) => !['accepted', 'refused'].includes(await verdictOf(target, bytes));
  let left = input;
  for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < left.length; ) {
      const without = new Uint8Array(Buffer.concat([left.subarray(0, at), left.subarray(at + size)]));
      if (await fails(without)) left = without;
      else at += size;
    }
  }
  return left;
}
