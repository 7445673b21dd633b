import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonReader } from '../parse.ts';
import { Evidence } from './messages.ts';

test('the PCRs of evidence are PCRs: no other name, whatever it holds, gets past the reader', () => {
  const read = jsonReader('evidence', Evidence);
  const evidence = (pcrs: unknown) =>
    JSON.stringify({ challenge: '', claims: '', attest: '', signature: '', pcrs, event_log: '' });
  assert.deepEqual(read(evidence({ 0: '00'.repeat(32) })).pcrs, { 0: '00'.repeat(32) });
  for (const name of ['constructor', '24', '-1', '', '00', 'x'])
    assert.throws(() => read(evidence({ [name]: 1 })), { kind: 'input.invalid', message: /^evidence: pcrs/ }, name);
});
