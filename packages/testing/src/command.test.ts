import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { must, run } from './command.ts';
import { Daemon } from './daemon.ts';
import { TestingError } from './error.ts';
import { Workdir } from './workdir.ts';

test('exit status, output and the signal that ended a command', async () => {
  assert.deepEqual(await run(['sh', '-c', 'echo out; echo err >&2; exit 3']), {
    code: 3,
    stdout: 'out\n',
    stderr: 'err\n',
  });
  assert.equal((await run(['sh', '-c', 'kill -TERM $$'])).code, 143);
  assert.equal((await run(['sleep', '60'], { timeoutMs: 50 })).code, 137);
});

test('input can be opened again by name, and no file of it is left', async () => {
  const input = Buffer.from([0, 1, 255]);
  assert.equal(await must(['sh', '-c', 'od -An -tx1 /dev/stdin'], { input }), ' 00 01 ff\n');
  assert.equal(await must(['cat']), '');
  const left = (await readdir('/dev/shm')).filter((name) => name.startsWith(`vouchsafe-input-${process.pid}-`));
  assert.deepEqual(left, []);
});

test('a failure says what the command said; a program that is not there says so', async () => {
  await assert.rejects(must(['sh', '-c', 'echo because >&2; exit 1']), /exit status 1: because$/);
  await assert.rejects(run(['vouchsafe-no-such-program']), (error) => {
    return error instanceof TestingError && error.code === 'command-missing';
  });
});

test('a daemon gets its input, is asked to end, and is killed when it does not', async () => {
  await using work = await Workdir.create('daemon');
  const asked = await Daemon.start(
    ['sh', '-c', 'read word; echo "$word"; trap "exit 4" TERM; while :; do sleep 0.02; done'],
    {
      log: work.file('log'),
      input: 'hello\n',
    },
  );
  while (!(await readFile(work.file('log'), 'utf8')).includes('hello')) await asked.mustRun();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(await asked.stop(), 4);
  const deaf = await Daemon.start(['sh', '-c', 'trap "" TERM; while :; do sleep 0.02; done'], {
    log: work.file('deaf'),
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(await deaf.stop(100), 137);
  await assert.rejects(deaf.mustRun(), /ended with status 137/);
});
