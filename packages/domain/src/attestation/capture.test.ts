import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '@vouchsafe/bytes/codec';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { provenFacts } from '@vouchsafe/eventlog/proven';
import { linuxTags, TaggedEvent } from '@vouchsafe/eventlog/tagged';
import { separator } from '@vouchsafe/eventlog/testing/boot';
import { type EventInput, utf16 } from '@vouchsafe/eventlog/testing/build';
import { bootOf, imageOf, testTime } from '../testing/images.ts';
import { problem } from '../testing/problem.ts';
import type { BaseImage, Coverage } from './base-image.ts';
import { captureImage, coverageOf, verifyImage } from './capture.ts';

const rootHash = `roothash=${'a'.repeat(64)}`;
const firmware = [...[0, 1, 2, 3, 4, 5, 6, 7].map(separator)];
const section = (name: string, content: string): EventInput[] => [
  { pcr: 11, type: 'EV_IPL', data: utf16(name), measured: `${name}\0` },
  { pcr: 11, type: 'EV_IPL', data: utf16(name), measured: content },
];
const grub = (prefix: string, text: string): EventInput => ({
  pcr: 8,
  type: 'EV_IPL',
  data: `${prefix}: ${text}\0`,
  measured: text,
});
const tagged = (id: number, measured: Uint8Array | string, type: EventInput['type'] = 'EV_EVENT_TAG'): EventInput => ({
  pcr: 9,
  type,
  data: encode(TaggedEvent, { taggedEventId: id, taggedEventData: new Uint8Array(8) }),
  measured,
});
const options = (text: string) => tagged(linuxTags.loadOptions, new Uint8Array(Buffer.from(`${text}\0`, 'utf16le')));
const initrd = tagged(linuxTags.initrd, 'initrd');
const file: EventInput = { pcr: 9, type: 'EV_IPL', data: '/some/file\0', measured: 'content' };

/** What a boot of these events covers. */
function covers(events: readonly EventInput[], commandLine?: string, lists?: string[]): Coverage {
  const log = decodeLog(bootOf([...firmware, ...events]).eventLog);
  const facts = provenFacts(log, 'sha256', { commandLines: commandLine === undefined ? [] : [commandLine] });
  return coverageOf(facts, lists && { lists });
}

const verity: [name: string, events: EventInput[], commandLine?: string][] = [
  ['GRUB', [grub('kernel_cmdline', `/vmlinuz systemd.verity_root_${rootHash.slice(4)} quiet`)]],
  [
    'systemd-boot, with an initial file system in the kernel image',
    [{ pcr: 12, type: 'EV_IPL', data: utf16(`quiet ${rootHash}`) }, ...section('.initrd', 'x')],
  ],
  ['a kernel image', [...section('.cmdline', `quiet ${rootHash}\n`), ...section('.initrd', 'x')], `quiet ${rootHash}`],
  ['the stub of the kernel', [options(`quiet ${rootHash}`), initrd], `quiet ${rootHash}`],
  [
    'load options in the place of those of the kernel image',
    [...section('.cmdline', 'quiet'), ...section('.initrd', 'x'), options(rootHash)],
    rootHash,
  ],
];
for (const [name, events, commandLine] of verity) {
  test(`a root hash on the command line of ${name} covers userspace`, () =>
    assert.equal(covers(events, commandLine).userspace, 'verity'));
}

const nothing: [name: string, events: EventInput[], commandLine?: string][] = [
  ['a command of the loader', [grub('grub_cmd', `echo ${rootHash}`)]],
  ['the command line of a module', [grub('module_cmdline', rootHash)]],
  ['no initial file system', [{ pcr: 12, type: 'EV_IPL', data: utf16(rootHash) }]],
  ['another word', [grub('kernel_cmdline', `/vmlinuz x${rootHash}`)]],
  ['another length', [grub('kernel_cmdline', `/vmlinuz ${rootHash}a`)]],
  ['one of two kernels', [grub('kernel_cmdline', `/a ${rootHash}`), grub('kernel_cmdline', '/b quiet')]],
  ['a kernel image whose text is not told', [...section('.cmdline', rootHash), ...section('.initrd', 'x')]],
  ['a kernel image, of another text', [...section('.cmdline', 'quiet'), ...section('.initrd', 'x')], rootHash],
  [
    'a kernel image, whose text was replaced',
    [...section('.cmdline', rootHash), ...section('.initrd', 'x'), options('quiet')],
    'quiet',
  ],
  [
    'a kernel image, beside an add-on',
    [
      ...section('.cmdline', rootHash),
      ...section('.initrd', 'x'),
      { pcr: 12, type: 'EV_IPL', data: utf16('init=/bin/sh') },
    ],
    rootHash,
  ],
  ['a stub that measured no initial file system', [options(rootHash), file], rootHash],
];
for (const [name, events, commandLine] of nothing) {
  test(`a root hash covers nothing: ${name}`, () => assert.equal(covers(events, commandLine).userspace, 'none'));
}

test('labels of events cover nothing: a file that was relabelled is no kernel, no command line and no initial file system', () => {
  const relabelled = [tagged(linuxTags.loadOptions, 'content'), tagged(linuxTags.initrd, 'more content')];
  for (const events of [relabelled, [options('quiet'), initrd]]) {
    const { kernel, cmdline, initrd: covered } = covers(events);
    assert.deepEqual([kernel, cmdline, covered], [false, false, false]);
  }
  const proven = covers([options('quiet'), initrd], 'quiet');
  assert.deepEqual([proven.kernel, proven.cmdline, proven.initrd], [true, true, true]);
  assert.equal(covers([initrd, options('quiet')], 'quiet').initrd, false, 'it stands behind the load options');
  assert.equal(covers([options('quiet'), file, initrd], 'quiet').initrd, false, 'right behind them');
});

const boot = bootOf([...firmware, ...section('.uname', '6.1.0-32-amd64\n'), ...section('.cmdline', 'quiet\0')]);
const words = {
  commandLine: 'quiet',
  kernel: '6.1.0-32-amd64',
  agent: { path: '/usr/bin/vouchsafe', sha256: 'ab'.repeat(32) },
};
const captured = captureImage({ name: 'golden', version: '', ...boot, now: new Date(testTime * 1000), ...words });

test('an image keeps what its host said, and the command line only when the log proves it', () => {
  assert.deepEqual([captured.command_line, captured.kernel, captured.agent], ['quiet', words.kernel, words.agent]);
  verifyImage(captured);
  const other = captureImage({ name: 'x', version: '', ...boot, now: new Date(0), commandLine: 'quiet splash' });
  assert.equal(Object.hasOwn(other, 'command_line'), false);
});

const { 12: _open, ...open } = captured.pcrs;
const empty = bootOf([]);
const failed = bootOf([...firmware.slice(0, 7), { pcr: 7, type: 'EV_SEPARATOR', data: Uint8Array.of(1, 0, 0, 0) }]);
const lies: [name: string, image: BaseImage, naming: RegExp][] = [
  ['fixes nothing', { ...captured, pcrs: {} }, /fixes nothing/],
  ['leaves a PCR open', { ...captured, pcrs: open }, /pcrs: expected PCR 0, 2/],
  [
    'fixes one that the running system resets',
    { ...captured, pcrs: { ...captured.pcrs, 16: '00'.repeat(32) } },
    /PCR 16 can be reset/,
  ],
  [
    'fixes one of the dynamic launch',
    { ...captured, pcrs: { ...captured.pcrs, 17: 'ff'.repeat(32) } },
    /PCR 17 can be reset/,
  ],
  ['has another value than its log', { ...captured, pcrs: { ...captured.pcrs, 4: '00'.repeat(32) } }, /pcrs/],
  ['claims more coverage', { ...captured, covers: { ...captured.covers, userspace: 'verity' } }, /covers/],
  ['names another command line', { ...captured, command_line: 'quiet splash' }, /command_line/],
  ['names another kernel than the kernel image', { ...captured, kernel: '6.1.0-99-amd64' }, /kernel/],
  ['comes from a bank that nobody extended', imageOf('x', empty), /PCR 0 has no separator/],
  ['comes from a boot with an error', imageOf('x', failed), /reported an error/],
];
for (const [name, image, naming] of lies) {
  test(`not imported: an image that ${name}`, () =>
    assert.throws(() => verifyImage(image), problem('input.invalid', naming)));
}

const tcb = 'quiet ima_policy=tcb';
const uki = (text: string) => [...section('.linux', 'k'), ...section('.cmdline', text), ...section('.initrd', 'x')];
const imaBoots: [name: string, events: EventInput[], commandLine?: string][] = [
  ['GRUB', [grub('kernel_cmdline', `/vmlinuz ${tcb}`)]],
  ['a kernel image', uki(tcb), tcb],
  ['the stub of the kernel', [options(tcb), initrd], tcb],
];
for (const [name, events, commandLine] of imaBoots) {
  test(`IMA on the command line of ${name} covers userspace, with a list and not without`, () => {
    assert.equal(covers(events, commandLine, ['files']).userspace, 'ima');
    assert.equal(covers(events, commandLine).userspace, 'none');
    assert.equal(covers(events, commandLine, []).userspace, 'none');
  });
}

const noIma: [name: string, events: EventInput[], commandLine?: string][] = [
  ['a command of the loader', [grub('grub_cmd', `echo ${tcb}`), grub('kernel_cmdline', '/vmlinuz quiet')]],
  ['the name of a section', [...section('.linux', 'k'), ...section(tcb, 'x'), ...section('.initrd', 'x')]],
  ['the content of another section', [...uki('quiet'), ...section('.osrel', tcb)], tcb],
  ['a command line that was replaced', [...uki(tcb), options('quiet')], 'quiet'],
  ['one of two kernels', [grub('kernel_cmdline', `/a ${tcb}`), grub('kernel_cmdline', '/b quiet')]],
  ['a part of another parameter', uki('x=ima_policy=tcb'), 'x=ima_policy=tcb'],
  ['what is for the first program', uki(`quiet -- ${tcb}`), `quiet -- ${tcb}`],
  ['a kernel without its initial file system', [...section('.linux', 'k'), ...section('.cmdline', tcb)], tcb],
  ['a kernel that was not measured', [...section('.cmdline', tcb), ...section('.initrd', 'x')], tcb],
  ['a text that nobody proves', uki('quiet'), tcb],
];
for (const [name, events, commandLine] of noIma) {
  test(`IMA in ${name} covers nothing`, () => assert.equal(covers(events, commandLine, ['files']).userspace, 'none'));
}

test('an image names the lists that it was captured with, and cannot claim IMA without them', () => {
  const made = bootOf([...firmware, ...uki(tcb)]);
  const image = captureImage({
    name: 'i',
    version: '',
    ...made,
    now: new Date(0),
    commandLine: tcb,
    imaLists: ['files'],
  });
  assert.deepEqual([image.ima, image.covers.userspace], [{ lists: ['files'] }, 'ima']);
  verifyImage(image);
  const { ima: _lists, ...without } = image;
  assert.throws(() => verifyImage(without), problem('input.invalid', /covers/));
  assert.throws(() => verifyImage({ ...image, command_line: 'quiet' }), problem('input.invalid'));
});
