import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat } from '@vouchsafe/bytes/hex';
import { everyBitFlip, everyTruncation, mutations } from '@vouchsafe/bytes/hostile';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { EventLogError } from './error.ts';
import { decodeLog, defaultLogLimits } from './log.ts';
import { replay } from './replay.ts';
import { buildLog, buildSha1Log, type EventInput } from './testing/build.ts';

const events: EventInput[] = [
  { pcr: 0, type: 'EV_S_CRTM_VERSION', data: 'v1' },
  { pcr: 4, type: 'EV_EFI_BOOT_SERVICES_APPLICATION', data: 'x', measured: 'image' },
  { pcr: 7, type: 'EV_SEPARATOR', data: new Uint8Array(4) },
];
const agile = buildLog(events);
const sha1 = buildSha1Log(events);

/** A copy of `bytes` with others from `offset` on. */
function patch(bytes: Uint8Array, offset: number, ...values: number[]): Uint8Array {
  const out = bytes.slice();
  out.set(values, offset);
  return out;
}

test('crypto-agile form: header, banks and events come back as they were written', () => {
  const log = decodeLog(agile);
  assert.equal(log.form, 'agile');
  assert.deepEqual(log.banks, ['sha1', 'sha256']);
  assert.deepEqual(
    log.events.map((e) => [e.index, e.pcr, e.typeName, e.data.length, Object.keys(e.digests)]),
    [
      [0, 0, 'EV_NO_ACTION', 37, ['sha1']],
      [1, 0, 'EV_S_CRTM_VERSION', 2, ['sha1', 'sha256']],
      [2, 4, 'EV_EFI_BOOT_SERVICES_APPLICATION', 1, ['sha1', 'sha256']],
      [3, 7, 'EV_SEPARATOR', 4, ['sha1', 'sha256']],
    ],
  );
  assert.equal(log.events[1]!.offset, 32 + 37);
});

test('SHA-1 form: a log without Spec ID event', () => {
  const log = decodeLog(sha1);
  assert.equal(log.form, 'sha1');
  assert.equal(log.specId, undefined);
  assert.deepEqual(log.banks, ['sha1']);
  assert.equal(log.events.length, 3);
});

test('a bank of an unknown algorithm is skipped by its declared size', () => {
  const log = decodeLog(buildLog(events, ['sha256'], { id: 0x7777, size: 13 }));
  assert.deepEqual(log.banks, ['sha256']);
  assert.deepEqual(log.algorithms[1], { id: 0x7777, bank: undefined, size: 13 });
  assert.deepEqual(replay(log, 'sha256'), replay(decodeLog(agile), 'sha256'));
});

test('fill behind the last event is reported, shorter fill is refused', () => {
  for (const byte of [0x00, 0xff] as const) {
    for (const log of [agile, sha1]) {
      const padded = decodeLog(concat(log, new Uint8Array(65_536).fill(byte)));
      assert.deepEqual(padded.padding, { byte, length: 65_536 });
      assert.deepEqual(padded.events, decodeLog(log).events);
      assert.throws(() => decodeLog(concat(log, new Uint8Array(7).fill(byte))), DecodeError);
    }
  }
});

test('malformed logs are refused by name', () => {
  const head = 32;
  const event1 = head + 37;
  const table: [string, Uint8Array, RegExp][] = [
    ['zeros alone', new Uint8Array(65_536), /^log: no event: the log is nothing but 0x00 bytes/],
    ['ones alone', new Uint8Array(65_536).fill(255), /^log: no event: the log is nothing but 0xff bytes/],
    ['empty', new Uint8Array(), /^log: no event: the log is empty/],
    [
      'text',
      new Uint8Array(Buffer.from('bogus\ninvalid\nevent\nlog\nfile\nhere\n')),
      /^log\[0\]\.event: \d+ bytes, limit/,
    ],
    ['Spec ID event in PCR 1', patch(agile, 0, 1), /^log\[0\]\.pcrIndex: the Spec ID event is in PCR 1/],
    ['no algorithm', patch(agile, head + 24, 0), /^log\[0\]\.event .*vendorInfo|bytes too many/],
    [
      '2^31 algorithms',
      patch(agile, head + 24, 0, 0, 0, 0x80),
      /digestSizes: 2147483648 items, limit 16 \(at byte 56\)$/,
    ],
    [
      'algorithm twice',
      patch(agile, head + 32, 4, 0, 20, 0),
      /^log\[0\]\.event\.digestSizes\[1\]: algorithm 0x4 is declared twice/,
    ],
    ['digest size of SHA-1', patch(agile, head + 30, 21), /digest size of sha1 is 21, expected 20/],
    ['vendor info too long', patch(agile, head + 36, 9), /vendorInfo: need 9 bytes, 0 left/],
    ['PCR 32', patch(agile, event1, 32), /^log\[1\]\.pcrIndex: PCR 32, expected 0\.\.31 \(at byte 69\)$/],
    [
      'no such algorithm',
      patch(agile, event1 + 12, 0x33),
      /^log\[1\]\.digests\[0\]: algorithm 0x33 is not one of the Spec ID/,
    ],
    ['too many digests', patch(agile, event1 + 8, 3), /^log\[1\]\.digests: 3 items, limit 2/],
    [
      'event of 2^32 - 1 bytes',
      patch(agile, event1 + 68, 255, 255, 255, 255),
      /^log\[1\]\.event: 4294967295 bytes, limit/,
    ],
  ];
  for (const [what, bytes, message] of table) {
    assert.throws(
      () => decodeLog(bytes),
      (e) => (e instanceof DecodeError && message.test(e.message)) || assert.fail(`${what}: ${e}`),
      what,
    );
  }
});

test('a digest of one algorithm twice in one event is refused', () => {
  const twice = buildLog(events, ['sha1', 'sm3_256']);
  const sameSize = buildLog(events, ['sha256', 'sm3_256']);
  assert.doesNotThrow(() => decodeLog(twice));
  const second = 32 + 37 + 12 + 34;
  assert.throws(() => decodeLog(patch(sameSize, second, 0x0b)), /log\[1\]\.digests: algorithm 0xb stands there twice/);
});

test('limits: whole log, number of events, one event', () => {
  const limits = { bytes: 100_000, events: 4, eventBytes: 37 };
  assert.doesNotThrow(() => decodeLog(agile, limits));
  assert.throws(() => decodeLog(agile, { ...limits, bytes: 10 }), /^DecodeError: log: \d+ bytes, limit 10/);
  assert.throws(() => decodeLog(agile, { ...limits, events: 3 }), /more than 3 events/);
  assert.throws(() => decodeLog(agile, { ...limits, eventBytes: 36 }), /37 bytes, limit 36/);
});

test('a million small events stop at the limit', () => {
  const many = new Uint8Array(32 * 500_000);
  const view = new DataView(many.buffer);
  for (let i = 0; i < many.length; i += 32) view.setUint32(i + 4, 4, true);
  assert.ok(many.length < defaultLogLimits.bytes);
  assert.throws(() => decodeLog(many), /more than 65536 events \(at byte 2097152\)/);
});

test('every truncation is a shorter log or an error with a place', () => {
  for (const whole of [agile, sha1]) {
    const ends = new Set(
      decodeLog(whole)
        .events.map((event) => event.offset)
        .slice(1),
    );
    everyTruncation(whole, (cut, length) => {
      if (ends.has(length)) assert.doesNotThrow(() => decodeLog(cut));
      else
        assert.throws(
          () => decodeLog(cut),
          (e) => e instanceof DecodeError && e.path.startsWith('log'),
          `${length}`,
        );
    });
  }
});

/** Decodes and replays; only this package's own errors may come out. */
function survive(bytes: Uint8Array): void {
  try {
    const log = decodeLog(bytes);
    for (const bank of log.banks) replay(log, bank);
  } catch (error) {
    if (!(error instanceof DecodeError || error instanceof EventLogError)) throw error;
  }
}

test('bit flips and seeded mutations end in a log or in a clear error', () => {
  for (const whole of [agile, sha1]) everyBitFlip(whole, survive);
  mutations([agile, sha1], 20, 5_000, survive);
});
