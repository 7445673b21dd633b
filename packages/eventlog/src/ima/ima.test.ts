import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { concat, fromHex, hex } from '@vouchsafe/bytes/hex';
import { everyBitFlip, everyTruncation, mutations } from '@vouchsafe/bytes/hostile';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { type Bank, digest } from '../algorithms.ts';
import { EventLogError } from '../error.ts';
import { corpusBytes, corpusPath, corpusText, withCorpus } from '../testing/corpus.ts';
import { buildIma, buildImaText, type ImaInput } from '../testing/ima.ts';
import { decodeImaText } from './ascii.ts';
import { decodeImaLog } from './log.ts';
import { checkTemplateHashes, coveredEntries, extendedDigest, matchImaPrefix, replayIma } from './replay.ts';

const file = digest('sha256', Buffer.from('content'));
const inputs: ImaInput[] = [
  { template: 'ima', digest: digest('sha1', Buffer.from('content')), name: 'boot_aggregate' },
  { template: 'ima-ng', digest: file, name: '/usr/bin/true' },
  { template: 'ima-sig', digest: file, name: '/usr/bin/false', signature: fromHex('0302040000') },
  { template: 'ima-sig', digest: file, name: '/usr/bin/unsigned', signature: new Uint8Array() },
  { template: 'ima-buf', digest: file, name: 'kexec-cmdline', buffer: new Uint8Array(Buffer.from('root=/dev/vda')) },
  { template: 'ima-modsig', digest: file, name: '/lib/m.ko', signature: new Uint8Array(), modsig: fromHex('30820102') },
  { template: 'ima-modsig', digest: file, name: '/lib/n.ko', signature: fromHex('03'), modsig: new Uint8Array() },
  { template: 'd-ng|n-ng|sig', digest: file, name: '/custom', signature: new Uint8Array() },
  { template: 'ima-ng', digest: new Uint8Array(32), name: '/var/log/open', violation: true },
];
const binary = buildIma(inputs);
const ascii = buildImaText(inputs);

test('entries of all templates come back, in the binary and in the text form alike', () => {
  const entries = decodeImaLog(binary);
  assert.deepEqual(
    entries.map(({ template, fields }) => [template, fields.name, hex(fields.digest!.value)]),
    inputs.map(({ template, name, digest }) => [template, name, hex(digest)]),
  );
  assert.equal(entries[1]!.fields.digest!.algorithm, 'sha256');
  assert.equal(hex(entries[2]!.fields.signature!), '0302040000');
  assert.equal(Buffer.from(entries[4]!.fields.buffer!).toString(), 'root=/dev/vda');
  assert.equal(hex(entries[5]!.fields.appendedSignature!), '30820102');
  assert.deepEqual(decodeImaText(ascii), entries);
});

test('a violation extends ones, every other entry the hash of its template data', () => {
  const entries = decodeImaLog(binary);
  let expected: Uint8Array = new Uint8Array(32);
  for (const entry of entries) {
    const value = entry.violation ? new Uint8Array(32).fill(255) : digest('sha256', entry.hashed);
    expected = digest('sha256', expected, value);
  }
  assert.equal(entries.at(-1)!.violation, true);
  assert.deepEqual([...replayIma(entries, 'sha256')], [[10, expected]]);
});

test('quirk paddedSha1: the SHA-1 stands at the front of the larger digest', () => {
  const [entry] = decodeImaLog(binary);
  const value = extendedDigest(entry!, 'sha384', 'paddedSha1');
  assert.equal(hex(value), hex(digest('sha1', entry!.hashed)) + '00'.repeat(28));
});

test('a replay continues an earlier one, and a quote covers a beginning of the log', () => {
  const entries = decodeImaLog(binary);
  const half = replayIma(entries.slice(0, 4), 'sha256');
  assert.deepEqual(replayIma(entries.slice(4), 'sha256', { initial: half }), replayIma(entries, 'sha256'));
  assert.equal(matchImaPrefix(entries, 'sha256', half.get(10)!)?.entries, 4);
  assert.equal(matchImaPrefix(entries, 'sha256', new Uint8Array(32))?.entries, 0);
  assert.equal(matchImaPrefix(entries, 'sha256', new Uint8Array(32).fill(1)), undefined);
  assert.equal(coveredEntries(entries, 'sha256', 10, half.get(10)!), 4);
  const padded = replayIma(entries.slice(0, 5), 'sha384', { rule: 'paddedSha1' });
  assert.deepEqual(matchImaPrefix(entries, 'sha384', padded.get(10)!), { entries: 5, rule: 'paddedSha1' });
});

test('entries of another PCR are no part of the account of this one', () => {
  const other = binary.slice();
  other[0] = 11;
  const entries = [...decodeImaLog(other).slice(0, 1), ...decodeImaLog(binary).slice(1)];
  const pcrs = replayIma(entries, 'sha256');
  assert.deepEqual([...pcrs.keys()], [11, 10]);
  assert.equal(coveredEntries(entries, 'sha256', 10, pcrs.get(10)!), entries.length);
  assert.equal(coveredEntries(entries, 'sha256', 11, pcrs.get(11)!), 1);
});

test('a template hash that is not that of its data is found', () => {
  checkTemplateHashes(decodeImaLog(binary));
  const changed = binary.slice();
  changed[4]! ^= 1;
  assert.throws(
    () => checkTemplateHashes(decodeImaLog(changed)),
    (e) => e instanceof EventLogError && e.event === 0,
  );
});

test('the column of template hashes may be of another bank', () => {
  const log = buildIma(inputs.slice(1, 3), 'sha256');
  const entries = decodeImaLog(log, undefined, { hashBank: 'sha256' });
  assert.equal(entries.length, 2);
  checkTemplateHashes(entries);
});

test('a template without a known field is replayed, but says nothing', () => {
  const head = binary.subarray(0, 24);
  const entries = decodeImaLog(concat(head, fromHex('03000000'), Buffer.from('new'), fromHex('02000000aabb')));
  assert.deepEqual(entries[0]!.fields, {});
  assert.equal(hex(entries[0]!.hashed), 'aabb');
});

test('malformed entries are refused by name', () => {
  const one = buildIma(inputs.slice(1, 2));
  const patch = (offset: number, ...values: number[]) => {
    const out = one.slice();
    out.set(values, offset);
    return out;
  };
  const data = 4 + 20 + 4 + 6 + 4;
  const table: [string, Uint8Array, RegExp][] = [
    ['PCR 32', patch(0, 32), /^ima\[0\]\.pcr: PCR 32, expected 0\.\.31 \(at byte 0\)$/],
    ['template name of 2^32 - 1 bytes', patch(24, 255, 255, 255, 255), /^ima\[0\]\.name: 4294967295 bytes, limit 255/],
    [
      'template data of 2^32 - 1 bytes',
      patch(34, 255, 255, 255, 255),
      /^ima\[0\]\.template_data\(ima-ng\): 4294967295 bytes/,
    ],
    ['field beyond the data', patch(data, 255), /template_data\(ima-ng\)\.template_data\[0\]: need 255 bytes/],
    ['no NUL behind the algorithm', patch(data + 4 + 7, 0x41), /d-ng: expected the name of a hash, a colon and NUL/],
    ['name with a NUL inside', patch(one.length - 3, 0), /n-ng: a string that does not end at its only NUL/],
    ['name without NUL', patch(one.length - 1, 0x41), /n-ng: a string that does not end at its only NUL/],
  ];
  for (const [what, bytes, message] of table)
    assert.throws(() => decodeImaLog(bytes), { name: 'DecodeError', message }, what);
});

test('template evm-sig: numbers are decimal in the text and little-endian in what is hashed', () => {
  const line = `10 ${'00'.repeat(20)} evm-sig sha256:${'11'.repeat(32)} /bin/a 0302 security.ima 0400 aabb 1000 4294967295 33188\n`;
  const [entry] = decodeImaText(new Uint8Array(Buffer.from(line)));
  assert.equal(hex(entry!.hashed.subarray(-18)), '04000000e803000004000000ffffffff02000000a481'.slice(-36));
  for (const bad of ['33188x', '65536', '']) {
    const text = new Uint8Array(Buffer.from(line.replace('33188', bad)));
    assert.throws(() => decodeImaText(text), /^DecodeError: ima line 1: imode: expected a decimal number/);
  }
});

test('malformed lines are refused by number', () => {
  const line = Buffer.from(buildImaText(inputs.slice(1, 2))).toString();
  const table: [string, string, RegExp][] = [
    ['no line feed', line.trimEnd(), /^ima line 1: expected a line feed/],
    ['empty line', '\n', /^ima line 1: expected a PCR index first/],
    ['short hash', line.replace(/ [0-9a-f]{40}/, ' 00'), /^ima line 1: expected 40 hexadecimal digits/],
    ['unknown template', line.replace('ima-ng', 'ima-xx'), /^ima line 1: unknown template/],
    ['a line feed in a name', `${line}${line.replace('/usr/bin', '/usr\n/bin')}`, /^ima line 3: expected a PCR index/],
    ['a space in a name', line.replace('/usr/bin', '/usr /bin'), /^ima line 1: 3 fields, expected 2/],
    ['odd digest', line.replace('sha256:', 'sha256:0'), /^ima line 1: d-ng: expected the name of a hash/],
  ];
  for (const [what, text, message] of table) {
    assert.throws(() => decodeImaText(new Uint8Array(Buffer.from(text))), { name: 'DecodeError', message }, what);
  }
});

function survive(bytes: Uint8Array): void {
  for (const decode of [decodeImaLog, decodeImaText]) {
    try {
      replayIma(decode(bytes), 'sha256');
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  }
}

test('truncations, bit flips and seeded mutations end in a log or in a clear error', () => {
  everyTruncation(binary, survive);
  everyTruncation(ascii, survive);
  everyBitFlip(binary, survive);
  everyBitFlip(ascii, survive);
  mutations([binary, ascii], 10, 5_000, survive);
});

test('IMA logs of real boots: both forms are equal, consistent, and replay to PCR 10', withCorpus, () => {
  for (const boot of readdirSync(corpusPath('measured-boot'))) {
    const entries = decodeImaLog(corpusBytes('measured-boot', boot, 'binary_runtime_measurements'));
    checkTemplateHashes(entries);
    assert.deepEqual(decodeImaText(corpusBytes('measured-boot', boot, 'ascii_runtime_measurements')), entries);
    const held = [...corpusText('measured-boot', boot, 'pcrs.txt').matchAll(/^(\w+):10=(\w+)$/gm)];
    assert.ok(held.length > 0);
    for (const [, bank, value] of held) {
      assert.equal(hex(replayIma(entries, bank as Bank).get(10)!), value!.toLowerCase(), `${boot} ${bank}`);
    }
  }
});

test('the text log of an older kernel is consistent', withCorpus, () => {
  const entries = decodeImaText(corpusBytes('eventlogs', 'ima_ascii_runtime_measurements.txt'));
  assert.equal(entries.length, 826);
  checkTemplateHashes(entries);
});

test('a big-endian host without ima_canonical_fmt writes its numbers the other way round', () => {
  const [input] = inputs.slice(1, 2);
  const little = buildIma([input!]);
  const big = little.slice();
  // pcr, length of the template's name, of its data, of its fields
  const at = [0, 24, 34, 38, 38 + 4 + 40];
  for (const place of at) big.set(little.slice(place, place + 4).reverse(), place);
  const [entry] = decodeImaLog(big, undefined, { endian: 'big' });
  assert.deepEqual(entry!.fields, decodeImaLog(little)[0]!.fields);
  assert.notEqual(
    hex(entry!.hashed),
    hex(decodeImaLog(little)[0]!.hashed),
    'the lengths are hashed as they are written',
  );
  assert.throws(() => decodeImaLog(big), /PCR 167772160, expected/);
});
