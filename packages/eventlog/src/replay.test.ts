import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '@vouchsafe/bytes/hex';
import { type Bank, digest } from './algorithms.ts';
import { EventLogError } from './error.ts';
import { decodeLog } from './log.ts';
import { provenFacts } from './proven.ts';
import { initialValue, startupLocality as localityOf, replay } from './replay.ts';
import { buildLog, buildSha1Log, type EventInput, startupLocality } from './testing/build.ts';

const noAction = (data: Uint8Array | string, pcr = 0): EventInput => ({ pcr, type: 'EV_NO_ACTION', data });
const crtm: EventInput = { pcr: 0, type: 'EV_S_CRTM_VERSION', data: 'v1' };
const zeros = (bank: Bank) => initialValue(bank, 1);

test('each bank is replayed with its own hash; only PCRs that the log extends have a value', () => {
  const banks: Bank[] = ['sha1', 'sha256', 'sha384', 'sha512', 'sm3_256', 'sha3_256'];
  const log = decodeLog(buildLog([crtm, { pcr: 5, type: 'EV_EFI_ACTION', data: 'a' }, { ...crtm, data: 'v2' }], banks));
  for (const bank of banks) {
    const pcrs = replay(log, bank);
    const first = digest(bank, zeros(bank), digest(bank, Buffer.from('v1')));
    assert.deepEqual(pcrs.get(0), digest(bank, first, digest(bank, Buffer.from('v2'))), bank);
    assert.deepEqual([...pcrs.keys()], [0, 5]);
  }
});

test('EV_NO_ACTION is never extended, whatever its digest says', () => {
  const claimed = { ...noAction('anything'), digests: { sha256: new Uint8Array(32).fill(7) } };
  const pcrs = replay(decodeLog(buildLog([claimed, { ...claimed, pcr: 9 }, crtm])), 'sha256');
  assert.deepEqual([...pcrs], [...replay(decodeLog(buildLog([crtm])), 'sha256')]);
});

test('StartupLocality sets the last byte of PCR 0 before the first event', () => {
  for (const locality of [0, 3, 4]) {
    const log = decodeLog(buildLog([noAction(startupLocality(locality)), crtm, { ...crtm, pcr: 1 }]));
    const initial = zeros('sha256');
    initial[31] = locality;
    assert.equal(localityOf(log), locality);
    assert.deepEqual(replay(log, 'sha256').get(0), digest('sha256', initial, digest('sha256', Buffer.from('v1'))));
    assert.deepEqual(
      replay(log, 'sha256').get(1),
      digest('sha256', zeros('sha256'), digest('sha256', Buffer.from('v1'))),
    );
  }
});

test('an H-CRTM event that opens PCR 0 implies locality 4', () => {
  const hcrtm: EventInput = { pcr: 0, type: 'EV_EFI_HCRTM_EVENT', data: 'HCRTM' };
  assert.equal(localityOf(decodeLog(buildLog([hcrtm, crtm]))), 4);
  assert.equal(localityOf(decodeLog(buildLog([crtm, hcrtm]))), 0);
  assert.equal(localityOf(decodeLog(buildLog([noAction(startupLocality(3)), hcrtm]))), 3);
});

test('a StartupLocality event that could shift PCR 0 at will is refused', () => {
  const event = noAction(startupLocality(3));
  const table: [EventInput[], string][] = [
    [[event, event, crtm], 'locality.duplicate'],
    [[crtm, event], 'locality.late'],
    [[{ ...event, pcr: 1 }, crtm], 'locality.pcr'],
    [[noAction(startupLocality(1)), crtm], 'locality.value'],
    [[noAction(startupLocality(3).subarray(0, 16)), crtm], 'locality.size'],
  ];
  for (const [events, code] of table) {
    const log = decodeLog(buildLog(events));
    assert.throws(
      () => replay(log, 'sha256'),
      (e) => e instanceof EventLogError && e.code === code,
      code,
    );
  }
});

test('another signature is no StartupLocality event', () => {
  assert.equal(localityOf(decodeLog(buildLog([noAction('startupLocality\0\x03'), crtm]))), 0);
});

test('PCRs of a dynamic launch start with ones', () => {
  const log = decodeLog(buildLog([{ ...crtm, pcr: 17 }]));
  assert.deepEqual(
    replay(log, 'sha1').get(17),
    digest('sha1', new Uint8Array(20).fill(255), digest('sha1', Buffer.from('v1'))),
  );
});

test('a bank that the log does not have is refused', () => {
  const log = decodeLog(buildSha1Log([crtm]));
  assert.throws(
    () => replay(log, 'sha256'),
    (e) => e instanceof EventLogError && e.code === 'bank.absent',
  );
});

test('changing, dropping, repeating or swapping an event changes a value', () => {
  const inputs: EventInput[] = ['a', 'b', 'c'].map((data) => ({ pcr: 4, type: 'EV_IPL', data }));
  const [a, b, c] = inputs as [EventInput, EventInput, EventInput];
  const value = (list: EventInput[]) => hex(replay(decodeLog(buildLog(list)), 'sha256').get(4)!);
  const good = value(inputs);
  for (const other of [
    [a, b],
    [a, c, b],
    [a, b, b, c],
    [a, { ...b, data: 'B' }, c],
  ])
    assert.notEqual(value(other), good);
});

test('zeros behind StartupLocality are a known peculiarity, anything else there is an error', () => {
  const padded = (byte: number) =>
    decodeLog(buildLog([{ pcr: 0, type: 'EV_NO_ACTION', data: Uint8Array.from([...startupLocality(3), 0, 0, byte]) }]));
  assert.equal(localityOf(padded(0)), 3);
  assert.ok(provenFacts(padded(0), 'sha256').findings.some(({ quirk }) => quirk === 'startup-locality-padded'));
  assert.throws(() => localityOf(padded(1)), /bytes too many|startup/i);
});
