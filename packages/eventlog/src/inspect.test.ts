import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '@vouchsafe/bytes/hex';
import { mutations } from '@vouchsafe/bytes/hostile';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { describe } from './describe.ts';
import { diffLogs } from './diff.ts';
import { inspectEventLog, inspectIma } from './inspect.ts';
import { decodeLog } from './log.ts';
import { replay } from './replay.ts';
import { boot, bootWith, config } from './testing/boot.ts';
import { buildLog, type EventInput, startupLocality } from './testing/build.ts';
import { buildIma, buildImaText } from './testing/ima.ts';

const bytes = buildLog(boot);
const log = decodeLog(bytes);

test('the JSON view has every event and only the PCRs that the log extends', () => {
  const view = inspectEventLog(bytes);
  assert.equal(view.events.length, boot.length + 1);
  assert.deepEqual(Object.keys(view.pcrs), ['sha1', 'sha256']);
  assert.deepEqual(Object.keys(view.pcrs.sha256!), ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '11', '12']);
  assert.equal(view.pcrs.sha256![7], hex(replay(log, 'sha256').get(7)!));
  assert.deepEqual(view.errors, {});
  assert.deepEqual(JSON.parse(JSON.stringify(view)), view);
});

test('a log that cannot be replayed is shown with the reason', () => {
  const late: EventInput = { pcr: 0, type: 'EV_NO_ACTION', data: startupLocality(3) };
  const view = inspectEventLog(buildLog([...boot, late]));
  assert.match(view.errors.sha256!, /StartupLocality event behind event 1 of PCR 0/);
  assert.deepEqual(view.pcrs, {});
  assert.equal(view.events.length, boot.length + 2);
});

test('a log of unknown banks alone is shown without values', () => {
  const view = inspectEventLog(buildLog(boot, [], { id: 0x7777, size: 10 }));
  assert.deepEqual([view.banks, view.pcrs], [[], {}]);
  assert.ok(view.events.every(({ proof }) => proof === 'none'));
});

test('both forms of an IMA log give the same view', () => {
  const inputs = [{ template: 'ima-ng', digest: new Uint8Array(32).fill(1), name: '/bin/true' }];
  const view = inspectIma(buildIma(inputs));
  assert.deepEqual(inspectIma(buildImaText(inputs)), view);
  assert.equal(view.events[0]!.digest, `sha256:${'01'.repeat(32)}`);
  assert.deepEqual(Object.keys(view.pcrs.sha256!), ['10']);
});

test('descriptions say what is proven', () => {
  const lines = log.events.map((event) => describe(event, 'sha256'));
  for (const line of [
    'PCR 0 EV_NO_ACTION: Spec ID Event03: log header, crypto-agile form (not measured)',
    'PCR 7 EV_EFI_VARIABLE_DRIVER_CONFIG: variable SecureBoot = 01 (proven)',
    'PCR 7 EV_SEPARATOR: end of the firmware part (proven)',
    'PCR 1 EV_EFI_VARIABLE_BOOT: variable BootOrder = 01000000 (value proven, name unproven)',
    'PCR 4 EV_EFI_BOOT_SERVICES_APPLICATION: image without device path, 0 bytes (description unproven)',
    'PCR 11 EV_IPL: section .linux (name proven)',
    'PCR 8 EV_IPL: kernel_cmdline: /vmlinuz ro (text proven, prefix unproven)',
    'PCR 9 EV_IPL: /boot/initrd (description unproven)',
  ]) {
    assert.ok(lines.includes(line), `${line}\n${lines.join('\n')}`);
  }
});

test('a description cannot write to a terminal and is bounded', () => {
  const hostile: EventInput = { pcr: 8, type: 'EV_IPL', data: `grub_cmd: \x1b[2J${'x'.repeat(5_000)}` };
  const wide: EventInput = {
    pcr: 7,
    type: 'EV_EFI_VARIABLE_DRIVER_CONFIG',
    data: config('\u202eBoot\u0007', Uint8Array.of(1)).data,
  };
  for (const event of decodeLog(buildLog([hostile, wide])).events) {
    const line = describe(event, 'sha256');
    assert.ok(line.length < 1_000);
    assert.doesNotMatch(line, /[\p{C}]/u);
  }
});

test('the difference of two logs: the first event of each PCR that differs', () => {
  const kinds = (actual: readonly EventInput[]) =>
    diffLogs(log, decodeLog(buildLog(actual)), 'sha256').map(({ pcr, kind, position }) => [pcr, kind, position]);
  const isImage = (event: EventInput) => event.measured === 'kernel image';
  assert.deepEqual(kinds(boot), []);
  assert.deepEqual(kinds(bootWith((event) => (isImage(event) ? { ...event, measured: 'other' } : event))), [
    [4, 'changed', 2],
  ]);
  assert.deepEqual(kinds(bootWith((event) => (isImage(event) ? [] : event))), [[4, 'missing', 2]]);
  assert.deepEqual(kinds(bootWith((event) => (isImage(event) ? [{ ...event, measured: 'first' }, event] : event))), [
    [4, 'extra', 2],
  ]);
  assert.deepEqual(kinds([...boot, { pcr: 14, type: 'EV_IPL', data: 'MokList' }]), [[14, 'extra', 0]]);
  assert.deepEqual(kinds([...boot.slice(2, 3), ...boot.slice(1, 2), ...boot.slice(0, 1), ...boot.slice(3)]), [
    [7, 'moved', 0],
  ]);
});

test('the words of a difference', () => {
  const changed = (change: Partial<EventInput>) =>
    diffLogs(
      log,
      decodeLog(buildLog(bootWith((event) => (event.measured === 'vmlinuz' ? { ...event, ...change } : event)))),
      'sha256',
    )[0]!.text;
  assert.equal(
    changed({ measured: 'other kernel' }),
    'PCR 11 EV_IPL: section .linux (description unproven): other content',
  );
  const off = decodeLog(buildLog(bootWith((event, i) => (i === 1 ? config('SecureBoot', Uint8Array.of(0)) : event))));
  assert.equal(
    diffLogs(log, off, 'sha256', [7])[0]!.text,
    'expected PCR 7 EV_EFI_VARIABLE_DRIVER_CONFIG: variable SecureBoot = 01 (proven); ' +
      'found PCR 7 EV_EFI_VARIABLE_DRIVER_CONFIG: variable SecureBoot = 00 (proven)',
  );
  assert.deepEqual(diffLogs(log, off, 'sha256', [4]), []);
});

test('seeded mutations of a whole boot end in a view or in a clear error', () => {
  mutations([bytes], 7, 1_500, (mutated) => {
    try {
      inspectEventLog(mutated);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  });
});

test('a megabyte of NULs before one letter is described without quadratic work', () => {
  const nuls = new Uint8Array(2 ** 20);
  nuls[nuls.length - 1] = 0x78;
  for (const type of ['EV_IPL', 'EV_NO_ACTION', 'EV_EFI_ACTION', 'EV_S_CRTM_VERSION'] as const) {
    const [, event] = decodeLog(buildLog([{ pcr: 8, type, data: nuls }])).events;
    assert.match(describe(event!, 'sha256'), /1048576 bytes/);
  }
});

test('20 000 events of one name are inspected without quadratic work', () => {
  const many = Array.from({ length: 20_000 }, () => config('db', new Uint8Array()));
  const view = inspectEventLog(buildLog(many, ['sha256']));
  assert.equal(view.events.length, 20_001);
});
