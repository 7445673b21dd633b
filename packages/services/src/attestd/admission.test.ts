import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Problem } from '@vouchsafe/domain/problem';
import { Admission } from './admission.ts';

const turn = () => new Promise((done) => setImmediate(done));

/** Requests whose end the test decides. */
function workshop(limits = { active: 1, waiting: 4 }) {
  let time = 0;
  const admission = new Admission(
    limits,
    () => time,
    () => 0.5,
  );
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const refused: [string, number][] = [];
  const send = (lane: 'report' | 'challenge' | 'stranger', source: string, name: string) =>
    admission
      .run(lane, source, () => {
        begun.push(name);
        return new Promise<void>((end) => ends.push(end));
      })
      .catch((problem: Problem) => {
        assert.equal(problem.kind, 'server.busy');
        refused.push([name, Number(problem.data.retry_after)]);
      });
  const finish = async (ms = 10) => {
    time += ms;
    ends.shift()?.();
    await turn();
  };
  return { admission, begun, refused, send, finish, at: (ms: number) => (time = ms) };
}

test('requests beyond those that are worked on wait; evidence goes before challenges, strangers go last', async () => {
  const { begun, send, finish, admission } = workshop();
  const sent = [
    send('challenge', 'a', 'first'),
    send('stranger', 'b', 'stranger'),
    send('challenge', 'c', 'challenge'),
    send('report', 'd', 'report 1'),
    send('report', 'e', 'report 2'),
  ];
  await turn();
  assert.deepEqual([begun, admission.waiting], [['first'], 4]);
  for (let i = 0; i < 5; i++) await finish();
  await Promise.all(sent);
  assert.deepEqual(begun, ['first', 'report 1', 'report 2', 'challenge', 'stranger']);
});

test('however much evidence comes, challenges and strangers have their turn', async () => {
  const { begun, send, finish } = workshop({ active: 1, waiting: 100 });
  const sent = Array.from({ length: 30 }, (_, i) => send('report', `r${i}`, 'report'));
  sent.push(send('challenge', 'c', 'challenge'), send('stranger', 's', 'stranger'));
  await turn();
  for (let i = 0; i < 32; i++) await finish();
  await Promise.all(sent);
  assert.ok(begun.indexOf('challenge') < 8 && begun.indexOf('stranger') < 10, begun.join());
});

test('a flood from one source displaces itself: who comes from elsewhere finds room, again and again', async () => {
  const { begun, refused, send, finish, admission } = workshop();
  const sent = Array.from({ length: 50 }, (_, i) => send('challenge', 'attacker', `flood ${i}`));
  await turn();
  assert.throws(() => admission.check('challenge', 'attacker'), { kind: 'server.busy' });
  admission.check('challenge', 'victim');
  for (let i = 0; i < 5; i++) {
    const victim = send('challenge', 'victim', `victim ${i}`);
    for (let k = 0; k < 20; k++) sent.push(send('challenge', 'attacker', 'flood'));
    while (!begun.includes(`victim ${i}`)) await finish();
    await finish();
    await victim;
  }
  assert.deepEqual(
    refused.filter(([name]) => name.startsWith('victim')),
    [],
  );
});

test('who is sent away is told a time, each a later one, in the pace at which others are done', async () => {
  const { refused, send } = workshop({ active: 1, waiting: 100 });
  const sent = Array.from({ length: 1101 }, (_, i) => send('challenge', `host ${i}`, `host ${i}`));
  await turn();
  const waits = refused.map(([, seconds]) => seconds);
  assert.deepEqual([waits.length, waits[0], waits.at(-1)], [1000, 3, 22], '100 wait and 50 are done in a second');
  assert.ok(waits.every((wait, i) => i === 0 || wait >= waits[i - 1]!));
  assert.ok(sent.length > 0);
});

test('nobody is sent away for longer than a minute and a little', async () => {
  const { refused, send } = workshop({ active: 1, waiting: 1 });
  for (let i = 0; i < 5000; i++) void send('challenge', `host ${i}`, `host ${i}`);
  await turn();
  assert.ok(Math.max(...refused.map(([, seconds]) => seconds)) <= 60);
});

test('work that fails leaves room for the next', async () => {
  const admission = new Admission({ active: 1, waiting: 1 });
  await assert.rejects(
    admission.run('report', 'a', () => Promise.reject(new Error('broken'))),
    /broken/,
  );
  assert.equal(await admission.run('report', 'a', () => 'done'), 'done');
});
