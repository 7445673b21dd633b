import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measuresRoot } from './measuring.ts';

test('a command line whose kernel measures what root executes and reads', () => {
  for (const text of [
    'ima_policy=tcb',
    'quiet ima_policy=tcb panic=-1',
    'ima_policy=tcb|appraise_tcb',
    'ima_policy="appraise_tcb tcb"',
    'ima_policy=critical_data ima_policy=secure_boot|tcb',
    'ima_tcb',
    'ima-policy=tcb',
  ]) {
    assert.equal(measuresRoot(text), true, text);
  }
});

test('words that only look like it', () => {
  for (const text of [
    '',
    'ima_policy=critical_data',
    'ima_policy=tcbx',
    'xima_policy=tcb',
    'quiet -- ima_policy=tcb',
    'note="ima_policy=tcb"',
    '"note=x ima_policy=tcb"',
    'ima_policy',
    'ima_policy=tcb ima=off',
    'ima_tcb=0',
    'init=/bin/sh#ima_policy=tcb',
  ]) {
    assert.equal(measuresRoot(text), false, text);
  }
});
