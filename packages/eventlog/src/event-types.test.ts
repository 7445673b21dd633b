import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf, eventTypeName, eventTypes } from './event-types.ts';

test('Firmware Profile, 10.4.1: types have their names, others their number', () => {
  assert.equal(eventTypeName(0x80000001), 'EV_EFI_VARIABLE_DRIVER_CONFIG');
  assert.equal(eventTypeName(0x0000000d), 'EV_IPL');
  assert.equal(eventTypeName(0x00008401), '0x00008401');
  assert.equal(digestOf(0x00008401), 'either');
  const values = Object.values(eventTypes).map(({ value }) => value);
  assert.equal(new Set(values).size, values.length);
});
