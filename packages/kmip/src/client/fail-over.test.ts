import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import test from 'node:test';
import { KmipError, type KmipErrorCode } from '../error.ts';
import { operations } from '../operations/operations.ts';
import { consequenceOf, isRepeatable, isUncertain, repetition } from './fail-over.ts';

const readme = readFileSync(resolve(import.meta.dirname, '../../README.md'), 'utf8');

test('the page says of every operation whether it is sent again', () => {
  const rows = readme.split('\n').filter((line) => line.startsWith('| '));
  const row = {
    repeat: 'Discover Versions, Query',
    confirm: 'Activate, Revoke',
    look: 'Add Attribute, Delete',
  } as const;
  for (const [name, how] of Object.entries(repetition)) {
    const starts = how === 'once' ? ['Create, Register, Re-key', 'Create Key Pair'] : [row[how]];
    const listed = rows.filter((line) => starts.some((start) => line.startsWith(`| ${start}`)));
    assert.ok(
      listed.some((line) =>
        line
          .slice(1, line.indexOf(' |'))
          .split(',')
          .some((each) => each.trim().split(' and ')[0] === name),
      ),
      name,
    );
  }
});

test('what is repeated without a look makes nothing new', () => {
  const makes = Object.keys(operations).filter((name) =>
    /^(Create|Register|Re-|Derive|Certify|Import|Join|Put)/.test(name),
  );
  assert.ok(makes.length >= 8);
  for (const name of makes) assert.equal(isRepeatable(name as keyof typeof operations), false, name);
});

test('a refusal is final, whatever it is; only silence and General Failure lead on', () => {
  const failed = (reason: KmipError['reason']) => new KmipError('operation.failed', '', reason ? { reason } : {});
  for (const reason of [
    'Permission Denied',
    'Authentication Not Successful',
    'Invalid Message',
    'Not Authorized',
  ] as const)
    assert.equal(consequenceOf(failed(reason)), 'final', reason);
  for (const reason of ['General Failure', 'Internal Server Error'] as const)
    assert.equal(consequenceOf(failed(reason)), 'next', reason);
  for (const reason of ['Item Not Found', 'Object Not Found'] as const)
    assert.equal(consequenceOf(failed(reason)), 'absent', reason);
  for (const code of ['outcome.unknown', 'replication.lag', 'replication.conflict', 'client.closed'] as const)
    assert.equal(consequenceOf(new KmipError(code, '')), 'final', code);
});

test('only a request that was sent, over a connection that was trusted, is in doubt', () => {
  const doubt = (code: KmipErrorCode, sent: boolean) => isUncertain(new KmipError(code, ''), sent);
  for (const code of ['server.unreachable', 'server.timeout', 'answer.invalid'] as const)
    assert.deepEqual([doubt(code, true), doubt(code, false)], [true, false], code);
  for (const code of ['server.untrusted', 'operation.failed', 'proxy.refused'] as const)
    assert.equal(doubt(code, true), false, code);
});
