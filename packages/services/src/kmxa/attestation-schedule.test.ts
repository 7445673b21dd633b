import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '@vouchsafe/domain/problem';
import { AttestationSchedule, type Outcome, waitAfter } from './attestation-schedule.ts';
import type { Attestation } from './attester.ts';
import { retryAfterOf, whileBusy } from './retry-after.ts';

const cases: [what: string, outcome: Outcome, least: number, most: number][] = [
  ['the service says when', { kind: 'attested', next: 300, left: 600 }, 300, 300],
  ['an older service does not', { kind: 'attested', next: undefined, left: 600 }, 300, 300],
  ['the token ends first', { kind: 'attested', next: 540, left: 400 }, 340, 340],
  ['the token has ended, or the clocks differ', { kind: 'attested', next: 300, left: -50 }, 1, 1],
  ['a refusal', { kind: 'refused', next: 290 }, 290, 290],
  ['a busy service', { kind: 'busy', retryAfter: 7 }, 7, 8],
  ['one that would have us wait for ever', { kind: 'busy', retryAfter: 1e9 }, 300, 301],
  ['the first failure', { kind: 'failed', times: 1 }, 2.5, 5],
  ['the fourth', { kind: 'failed', times: 4 }, 20, 40],
  ['the thousandth', { kind: 'failed', times: 1000 }, 150, 300],
];
for (const [what, outcome, least, most] of cases) {
  test(`${what}: ${least} to ${most} s`, () =>
    assert.deepEqual([waitAfter(outcome, 0), waitAfter(outcome, 1)], [least, most]));
}

/** Runs a schedule over what the services say, and gives the seconds that it waited. */
async function play(script: (Partial<Attestation> | Problem | 'nobody')[]): Promise<number[]> {
  const waits: number[] = [];
  const rest = [...script];
  const done = Promise.withResolvers<void>();
  const schedule: AttestationSchedule = new AttestationSchedule({
    attest() {
      const said = rest.shift();
      if (said instanceof Problem) return Promise.reject(said);
      return Promise.resolve(said as Attestation);
    },
    services() {
      if (rest[0] !== 'nobody') return 1;
      rest.shift();
      return 0;
    },
    now: () => 1000,
    log: { info: () => undefined, warn: () => undefined } as never,
    random: () => 0.5,
    wait(seconds) {
      waits.push(seconds);
      if (rest.length === 0) {
        schedule.stop();
        done.resolve();
      }
      return Promise.resolve();
    },
  });
  await done.promise;
  await schedule.stopped();
  return waits;
}

const session = { expires: 1600 } as NonNullable<Attestation['session']>;
const silence = new Problem('service.unreachable', 'nobody');

test('failures in a row wait ever longer, one success begins anew, and being sent away counts as none', async () => {
  const busy = new Problem('server.busy', 'later', { data: { retry_after: 9 } });
  assert.deepEqual(
    await play(['nobody', { session, next: 200 }, silence, silence, busy, silence, { session, next: 100 }, silence]),
    [2.5, 10, 200, 3.75, 7.5, 9.5, 15, 100, 3.75],
  );
});

test('a host that is refused comes when the service says, not sooner', async () => {
  assert.deepEqual(await play([{ session: undefined, next: 280 }, { session: undefined }]), [2.5, 280, 300]);
});

test('the time of Retry-After is taken from a busy service only, and never believed blindly', () => {
  const busy = (retry_after: unknown) => retryAfterOf(new Problem('server.busy', '', { data: { retry_after } }));
  assert.deepEqual([busy(3), busy(0), busy('3'), busy(-1), busy(undefined)], [3, 0, 1, 1, 1]);
  assert.deepEqual([retryAfterOf(silence), retryAfterOf(new Error('x'))], [undefined, undefined]);
});

test('a request is repeated while the service is busy and the patience lasts', async () => {
  let calls = 0;
  const until = (n: number) => () => {
    if (++calls < n) throw new Problem('server.busy', '', { data: { retry_after: 0 } });
    return Promise.resolve(calls);
  };
  assert.equal(await whileBusy(10, until(2)), 2);
  calls = 0;
  const long = () => Promise.reject(new Problem('server.busy', '', { data: { retry_after: 60 } }));
  await assert.rejects(whileBusy(10, long), { kind: 'server.busy' });
  await assert.rejects(
    whileBusy(10, () => Promise.reject(silence)),
    { kind: 'service.unreachable' },
  );
});
