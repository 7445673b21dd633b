/**
 * Long fuzz runs: every parser of the product is fed with seeded mutants of real and made inputs. Prints one JSON line
 * a target and leaves with 1 when anything but a declared refusal came out, an input hung, or memory grew.
 *
 *     node fuzz/run.ts [--seed 1] [--seconds 60 | --runs N] [TARGET...]
 *     node fuzz/run.ts TARGET --input HEX      one input again
 *
 * `VOUCHSAFE_CORPUS` names a folder with further logs and certificates of real machines.
 */
import { parseArgs } from 'node:util';
import { fromHex } from '@vouchsafe/bytes/hex';
import { campaign, play, slowMilliseconds } from './campaign.ts';
import { targetsOf } from './targets.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string' },
    runs: { type: 'string' },
    input: { type: 'string' },
  },
});
const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

const targets = await targetsOf(positionals);
if (targets.length === 0) throw new TypeError(`no target ${positionals.join(', ')}`);
for (const target of targets) {
  if (values.input !== undefined) {
    say({ target: target.name, ...(await play(target, fromHex(values.input))) });
    continue;
  }
  const seconds = Number(values.seconds ?? (values.runs === undefined ? 60 : Number.POSITIVE_INFINITY));
  const runs = Number(values.runs ?? Number.POSITIVE_INFINITY);
  const outcome = await campaign(target, { seed: Number(values.seed), runs, seconds });
  say({ ...outcome, ...(outcome.slowest.milliseconds > slowMilliseconds ? { slow: true } : {}) });
  if (outcome.failure !== undefined) process.exitCode = 1;
}
