import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type AuditEntry, verifyChain } from '@vouchsafe/domain/audit/record';
import { problem } from '@vouchsafe/domain/testing/problem';
import { AuditFile } from './file.ts';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  path = join(folder, 'part.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

const entry = (id: string): AuditEntry => ({
  action: 'config.change',
  actor: { kind: 'user', id: 'ümläut' },
  target: { kind: 'test', id },
  outcome: 'success',
  detail: {},
});
const lines = () => readFileSync(path, 'utf8').split('\n').slice(0, -1);
function write(...ids: string[]): void {
  using file = AuditFile.open(path, 'attestd');
  for (const id of ids) file.append(entry(id));
}

test('records survive a restart and go on with the chain; only their owner reads them', () => {
  write('1', '2');
  write('3');
  assert.equal(verifyChain(lines()).seq, 3);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('several records are written as one', () => {
  using file = AuditFile.open(path, 'attestd');
  file.append(entry('1'), entry('2'), entry('3'));
  assert.deepEqual(file.head, verifyChain(lines()));
});

test('a last line that a crash left unfinished is cut off, at every length', () => {
  write('1', '2');
  const whole = readFileSync(path);
  const second = whole.indexOf(0x0a) + 1;
  for (let length = second; length < whole.length; length++) {
    writeFileSync(path, whole.subarray(0, length));
    write('again');
    assert.equal(verifyChain(lines()).seq, 2);
    assert.match(lines()[1] ?? '', /again/);
  }
});

test('a file whose last record is none is not gone on with, and stays as it is', () => {
  write('1', '2', '3');
  const text = readFileSync(path, 'utf8');
  const broken = [`${text}\n`, `${text}{}\n`, `${text}null\n`, text.replace('"seq":3', '"seq":"3"'), `${text}\0\n`];
  for (const each of broken) {
    writeFileSync(path, each);
    assert.throws(() => AuditFile.open(path, 'attestd'), problem('audit.broken'), JSON.stringify(each));
    assert.equal(readFileSync(path, 'utf8'), each);
  }
});

test('a changed record breaks the chain for who reads it whole', () => {
  write('1', '2', '3');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"id":"1"', '"id":"x"'));
  write('4');
  assert.throws(() => verifyChain(lines()), problem('audit.broken', /^record 2: /));
});

test('octets that are no UTF-8 are damage and not cut or padded', () => {
  write('1');
  appendFileSync(path, Buffer.from([0xff, 0xfe, 0x0a]));
  const before = readFileSync(path);
  assert.throws(() => AuditFile.open(path, 'attestd'), problem('audit.broken', /UTF-8/));
  assert.deepEqual(readFileSync(path), before);
});

test('a record that cannot be written is an error, and the file can be gone on with', () => {
  const file = AuditFile.open('/dev/full', 'attestd');
  assert.throws(() => file.append(entry('1')), problem('audit.unwritable'));
  assert.equal(file.head.seq, 0);
  file[Symbol.dispose]();
  assert.throws(() => AuditFile.open(join(folder, 'none', 'x'), 'attestd'), problem('audit.unwritable', /none/));
});

test('records that are committed together stand in one chain, in their order, with those that are appended between', async () => {
  using file = AuditFile.open(path, 'attestd');
  const first = [1, 2, 3].map((i) => file.commit(entry(`first ${i}`)));
  file.append(entry('between'));
  await first[0];
  const second = [1, 2, 3].map((i) => file.commit(entry(`second ${i}`), entry(`and ${i}`)));
  await Promise.all([...first, ...second]);
  assert.deepEqual(file.head, verifyChain(lines()));
  assert.deepEqual(
    lines().map((line) => JSON.parse(line).target.id),
    ['between', 'first 1', 'first 2', 'first 3', 'second 1', 'and 1', 'second 2', 'and 2', 'second 3', 'and 3'],
  );
});

test('a record that is committed is on the disk when it is said to be', async () => {
  using file = AuditFile.open(path, 'attestd');
  const seen: boolean[] = [];
  await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      await file.commit(entry(`<${i}>`));
      seen.push(readFileSync(path, 'utf8').includes(`<${i}>`));
    }),
  );
  assert.deepEqual([seen.length, seen.every(Boolean)], [200, true]);
});
