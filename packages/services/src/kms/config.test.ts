import assert from 'node:assert/strict';
import test from 'node:test';
import { Problem } from '@vouchsafe/domain/problem';
import { parseKmsConfig } from './config.ts';
import { defaultLimits, limitsOf } from './limits.ts';

test('an empty file leaves everything as by default', () => {
  assert.deepEqual(parseKmsConfig(''), { audit_reads: 'batched' });
  assert.deepEqual(limitsOf(), defaultLimits);
});

test('every limit can be set, in seconds, octets or numbers', () => {
  const text = `
    listen = "[::]:5696"
    names = ["kms.example", "192.0.2.5"]
    legacy_tls = true
    [limits]
    handshake_seconds = 0.5
    idle_seconds = 60
    message_seconds = 2
    stranger_seconds = 3
    answer_seconds = 4
    message_bytes = 65536
    batch_items = 5
    items = 100
    depth = 16
    attributes = 40
    attribute_value_bytes = 64
    text_bytes = 256
    connections = 10
    waiting = 11
    connections_per_address = 12`;
  const { listen, limits, legacy_tls: legacy, names } = parseKmsConfig(text);
  assert.deepEqual([listen, legacy, names], ['[::]:5696', true, ['kms.example', '192.0.2.5']]);
  assert.deepEqual(limitsOf(limits), {
    handshake: 500,
    idle: 60_000,
    message: 2000,
    stranger: 3000,
    answer: 4000,
    messageSize: 65_536,
    batchItems: 5,
    items: 100,
    depth: 16,
    attributes: 40,
    attributeValue: 64,
    text: 256,
    connections: 10,
    waiting: 11,
    connectionsPerAddress: 12,
  });
});

const refused: Record<string, RegExp> = {
  'listen = "nowhere"': /listen/,
  'legacy = true': /legacy/,
  'legacy_tls = "yes"': /legacy_tls/,
  '[limits]\nconnections = 0': /connections/,
  '[limits]\nmessage_bytes = 10000000': /message_bytes/,
  '[limits]\nbatch_items = 1000': /batch_items/,
  '[limits]\ndepth = 2': /depth/,
  '[limits]\nforever = 1': /forever/,
  'names = []\nnames = []': /line 2/,
};

test('what the file must not say is refused by the name of its key or its line', () => {
  for (const [text, names] of Object.entries(refused))
    assert.throws(
      () => parseKmsConfig(text, 'kms.toml'),
      (error) => {
        assert.ok(error instanceof Problem, text);
        assert.equal(error.kind, 'config.invalid', text);
        assert.match(error.message, /^kms\.toml: /);
        assert.match(error.message, names);
        return true;
      },
      text,
    );
});
