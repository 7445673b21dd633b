import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventText, lockedBy, type ProviderEventId, providerEvents } from './provider-events.ts';

test('every event is one sentence with its subject, and says what to do', () => {
  const subject = { provider: 'PROVIDER', host: 'HOST', vm: 'VM', key: 'KEY', detail: 'DETAIL' };
  for (const [id, { text, advice }] of Object.entries(providerEvents)) {
    const said = eventText({ id: id as ProviderEventId, ...subject });
    assert.match(said, /PROVIDER/, id);
    assert.doesNotMatch(said, /[{}]|unknown/, id);
    assert.doesNotMatch(`${text}|${advice}`, /\.$|\.\||^[A-Z](?!M)/, id);
  }
  assert.match(eventText({ id: 'key.missing', provider: 'p' }), /^key unknown of provider p/);
});

test('events of the contract are told once each', () => {
  const vendors = Object.values(providerEvents).flatMap(({ vendor }) => vendor ?? []);
  assert.equal(new Set(vendors).size, vendors.length);
});

test('a start that something else than the key stands in the way of locks no VM', () => {
  assert.equal(lockedBy('native', 'service.unreachable'), undefined);
  assert.equal(lockedBy('trusted', 'keysafe.rollback'), undefined);
  assert.equal(lockedBy('standard', 'key.not-here'), 'vm.locked');
});
