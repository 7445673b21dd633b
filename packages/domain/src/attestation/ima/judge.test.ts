import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, hex } from '@vouchsafe/bytes/hex';
import { digest } from '@vouchsafe/eventlog/algorithms';
import { decodeImaLog } from '@vouchsafe/eventlog/ima/log';
import { replayIma } from '@vouchsafe/eventlog/ima/replay';
import { buildIma, type ImaInput } from '@vouchsafe/eventlog/testing/ima';
import { defaultImaSettings, type ImaSettings, imaPolicyOf } from '../ima-policy.ts';
import { AllowList } from './allow-list.ts';
import { makeList } from './ima-list.ts';
import { type ImaRules, judgeEntries, nothingJudged, rulesFor } from './judge.ts';

const content = (text: string) => digest('sha256', Buffer.from(text));
const about = { name: 'base', source: 'test', created: '2026-01-01T00:00:00.000Z' };
const listed = { '/usr/bin/a': 'a', '/usr/bin/b': 'b', '/opt/agent': 'agent', '/tmp/x': 'x' };
const list = new AllowList(
  makeList(
    about,
    Object.entries(listed).map(([path, text]) => ({ path, digest: hex(content(text)) })),
  ),
);
const image = { ima: { lists: ['base'] }, agent: { path: '/opt/agent', sha256: hex(content('agent')) } };
const rules = (settings: Partial<ImaSettings> = {}): ImaRules =>
  rulesFor(imaPolicyOf({ ...defaultImaSettings, ...settings }, [list]), image);

const file = (name: string, text: string, more: Partial<ImaInput> = {}): ImaInput => ({
  template: 'ima-ng',
  digest: content(text),
  name,
  ...more,
});
const judge = (with_: ImaRules, ...inputs: ImaInput[]) => judgeLog(with_, buildIma(inputs));
const judgeLog = (with_: ImaRules, log: Uint8Array) => judgeEntries(with_, nothingJudged(with_), decodeImaLog(log));

/** Ids of what was found with the names beside them. */
const faultsOf = ({ faults }: ReturnType<typeof judge>) =>
  Object.entries(faults).map(([id, { severity, first }]) => [id, severity, ...first]);

test('files with listed contents pass, changed and unknown ones are told apart', () => {
  const judged = judge(rules(), file('/usr/bin/a', 'a'), file('/usr/bin/b', 'B'), file('/usr/bin/c', 'c'));
  assert.equal(judged.listed, 1);
  assert.deepEqual(faultsOf(judged), [
    ['ima.changed-file', 'fail', '/usr/bin/b'],
    ['ima.unknown-file', 'fail', '/usr/bin/c'],
  ]);
});

test('a listed content under another path is not what was listed', () => {
  assert.deepEqual(faultsOf(judge(rules(), file('/usr/bin/a', 'b'))), [['ima.changed-file', 'fail', '/usr/bin/a']]);
  assert.deepEqual(faultsOf(judge(rules(), file('/usr/bin/z', 'b'))), [['ima.unknown-file', 'fail', '/usr/bin/z']]);
});

test('a file that has lost its name is the one that it was, with its content only', () => {
  assert.equal(judge(rules(), file('/usr/bin/a (deleted)', 'a')).listed, 1);
  const changed = judge(rules(), file('/usr/bin/a (deleted)', 'evil'));
  assert.deepEqual(faultsOf(changed), [['ima.unknown-file', 'fail', '/usr/bin/a (deleted)']]);
});

test('an exclude matches absolute paths of exact form only', () => {
  const lax = rules({ excludes: ['/tmp/**'] });
  assert.equal(judge(lax, file('/tmp/a/b', 'any')).excluded, 1);
  const tricks = [
    '/tmp/x\n/usr/bin/evil',
    'tmp/a',
    '/tmp/../usr/bin/evil',
    '/tmp//a',
    '/tmp/./a',
    '/tmp/\u{fffd}',
    '/tmp/',
  ];
  for (const name of tricks) {
    const judged = judge(lax, file(name, 'evil'));
    assert.deepEqual([judged.excluded, Object.keys(judged.faults)], [0, ['ima.unknown-file']], JSON.stringify(name));
  }
});

test('what is shown of a name is one printable line', () => {
  const [fault] = faultsOf(judge(rules(), file('/tmp/x\n\x1b[2Jfail\u202e\\', 'evil')));
  assert.deepEqual(fault, ['ima.unknown-file', 'fail', '/tmp/x\\u{a}\\u{1b}[2Jfail\\u{202e}\\\\']);
  const [long] = faultsOf(judge(rules(), file(`/${'a'.repeat(4000)}`, 'evil')));
  assert.equal(long?.[2]?.length, 203);
});

test('the number of names that are kept is bounded, their count is not', () => {
  const many = Array.from({ length: 100 }, (_, i) => file(`/evil/${i}`, 'evil'));
  const { count, first } = judge(rules(), ...many).faults['ima.unknown-file']!;
  assert.deepEqual([count, first.length], [100, 8]);
});

test('hashes for which anybody finds a second file prove nothing, though the content be listed', () => {
  for (const weak of ['sha1', 'md5']) {
    const value = digest('sha1', Buffer.from('a'));
    const fields = concat(Buffer.from(`${weak}:\0`), value);
    const log = relabelled(buildIma([file('/usr/bin/a', 'a')]), content('a'), fields);
    const judged = judgeLog(rules(), log);
    assert.deepEqual(faultsOf(judged), [['ima.weak-digest', 'fail', `/usr/bin/a (${weak})`]]);
  }
});

/** A log of one entry with another content of field d-ng. */
function relabelled(log: Uint8Array, value: Uint8Array, field: Uint8Array): Uint8Array {
  const at = Buffer.from(log).indexOf(value) - 'sha256:\0'.length;
  const head = log.slice(0, at - 8);
  const rest = log.slice(at + 8 + value.length);
  const size = (n: number) => new Uint8Array(Uint32Array.of(n).buffer);
  return concat(head, size(4 + field.length + rest.length), size(field.length), field, rest);
}

test('a violation proves nothing of the file, not even its path', () => {
  const violation = { digest: new Uint8Array(32), violation: true };
  const lax = { excludes: ['/var/log/**'] };
  const log = (name: string) => buildIma([file(name, '', violation)]);
  assert.deepEqual(faultsOf(judgeLog(rules(), log('/usr/bin/a'))), [['ima.violation', 'fail', '/usr/bin/a']]);
  assert.deepEqual(faultsOf(judgeLog(rules(lax), log('/var/log/x'))), []);
  assert.deepEqual(faultsOf(judgeLog(rules({ violations: 'warn' }), log('/usr/bin/a')))[0]?.[1], 'warn');
  assert.equal(faultsOf(judgeLog(rules({ ...lax, violations: 'fail' }), log('/var/log/x')))[0]?.[1], 'fail');
  const [one, other] = [log('/usr/bin/a'), log('/var/log/x')].map((each) => replayIma(decodeImaLog(each), 'sha256'));
  assert.deepEqual(one, other, 'a host that lies calls it as it likes, and PCR 10 does not tell');
});

test('a file that is passed off as a buffer of the kernel is judged as a file', () => {
  const evil = { template: 'ima-sig', digest: content('evil'), signature: new Uint8Array() };
  const called = (template: string, name: string, input: Partial<ImaInput>) =>
    buildIma([{ ...evil, name, ...input }].map((each) => ({ ...each, template })));
  const real = called('ima-sig', '/usr/bin/evil', {});
  const forged = called('ima-buf', '/usr/bin/evil', {});
  const same = [real, forged].map((log) => replayIma(decodeImaLog(log), 'sha256'));
  assert.deepEqual(same[0], same[1], 'the name of a template is not measured');
  const unknown = [['ima.unknown-file', 'fail', '/usr/bin/evil']];
  assert.deepEqual(faultsOf(judgeLog(rules({ buffers: 'warn' }), forged)), unknown);
  const relative = called('ima-buf', 'selinux', { signature: new Uint8Array(Buffer.from('not what was hashed')) });
  assert.deepEqual(faultsOf(judgeLog(rules({ buffers: 'warn' }), relative)), [['ima.unknown-file', 'fail', 'selinux']]);
  const itself = Uint8Array.of(3, 2, 4, 0x0a, 0x69, 0x64);
  const own = called('ima-buf', 'selinux', { signature: itself, digest: digest('sha256', itself) });
  assert.deepEqual(
    faultsOf(judgeLog(rules({ buffers: 'warn' }), own)),
    [['ima.unknown-file', 'fail', 'selinux']],
    'a file whose content is its own signature attribute',
  );
});

test('an entry whose template puts other fields in the place of digest and name is not judged by them', () => {
  const evil = { digest: content('evil'), name: '/usr/bin/evil', signature: content('a') };
  const called = (template: string) => judgeLog(rules(), buildIma([{ ...evil, template }]));
  assert.deepEqual(Object.keys(called('ima-sig').faults), ['ima.unknown-file']);
  for (const template of ['sig|n-ng|buf', 'buf|buf|buf', 'sig|sig|buf', 'never|heard|of', 'buf|n-ng|d']) {
    assert.deepEqual(Object.keys(called(template).faults), ['ima.unreadable'], template);
  }
});

test('kernel buffers are told: another kernel by kexec refuses, data warns', () => {
  const buffer = new Uint8Array(Buffer.from('root=/dev/evil'));
  const entry = (name: string): ImaInput => ({ template: 'ima-buf', digest: digest('sha256', buffer), name, buffer });
  const judged = judge(rules(), entry('kexec-cmdline'), entry('.ima'));
  assert.deepEqual(faultsOf(judged), [
    ['ima.kexec', 'fail', 'kexec-cmdline'],
    ['ima.buffer', 'warn', '.ima'],
  ]);
});

test('the agent counts with exactly its path and content, and not by a violation', () => {
  assert.equal(judge(rules(), file('/opt/agent', 'agent')).agent, true);
  assert.equal(judge(rules(), file('/opt/agent', 'changed')).agent, false);
  assert.equal(judge(rules(), file('/tmp/agent', 'agent')).agent, false);
  assert.equal(judge(rules(), file('/opt/agent', 'agent', { violation: true })).agent, false);
  const called = buildIma([{ template: 'sig|n-ng', digest: content('agent'), name: '/opt/agent' }]);
  assert.equal(judgeLog(rules(), called).agent, false);
});

test('entries of another PCR are not judged: no quote speaks of them', () => {
  const log = buildIma([file('/usr/bin/evil', 'evil')]);
  log[0] = 11;
  assert.deepEqual(faultsOf(judgeLog(rules(), log)), []);
});

test('rounds that follow each other find what one whole log would', () => {
  const inputs = Array.from({ length: 40 }, (_, i) =>
    file(i % 3 === 0 ? '/usr/bin/a' : `/f/${i}`, i % 3 === 0 ? 'a' : 'f'),
  );
  const entries = decodeImaLog(buildIma(inputs));
  const with_ = rules();
  const whole = judgeEntries(with_, nothingJudged(with_), entries);
  const first = judgeEntries(with_, nothingJudged(with_), entries.slice(0, 17));
  const kept = structuredClone(first);
  assert.deepEqual(judgeEntries(with_, first, entries.slice(17)), whole);
  assert.deepEqual(first, kept, 'what was kept is not written to');
});

test('other lists, settings or agents are other rules, so entries must be judged anew', () => {
  const other = new AllowList(makeList(about, [{ path: '/usr/bin/a', digest: hex(content('other')) }]));
  const all = [
    rules(),
    rules({ excludes: ['/tmp/*'] }),
    rulesFor(imaPolicyOf(defaultImaSettings, [other]), image),
    rulesFor(imaPolicyOf(defaultImaSettings, [list]), { ima: image.ima }),
    rulesFor(imaPolicyOf(defaultImaSettings, [list]), { ima: { lists: ['base', 'more'] } }),
  ].map(({ digest }) => digest);
  assert.equal(new Set(all).size, all.length);
  assert.equal(rules().digest, all[0]);
});
