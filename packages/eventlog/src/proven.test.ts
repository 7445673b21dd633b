import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, hex } from '@vouchsafe/bytes/hex';
import { digest } from './algorithms.ts';
import type { FindingCode } from './finding.ts';
import { decodeLog } from './log.ts';
import { proofOf } from './proof.ts';
import { provenFacts } from './proven.ts';
import { replay } from './replay.ts';
import { authority, boot, bootWith, certificate, config, separator } from './testing/boot.ts';
import { buildLog, type EventInput, utf16 } from './testing/build.ts';
import { encodeVariable } from './uefi/variable.ts';

const logOf = (events: readonly EventInput[]) => decodeLog(buildLog(events));
const facts = (events: readonly EventInput[]) => provenFacts(logOf(events), 'sha256');
const sha256 = (text: string) => hex(digest('sha256', Buffer.from(text)));
const codes = (events: readonly EventInput[]) => new Set<FindingCode>(facts(events).findings.map(({ code }) => code));
const isNamed = (event: EventInput, name: string) => Buffer.from(event.data).includes(Buffer.from(name, 'utf16le'));
const isSecureBoot = (event: EventInput) => isNamed(event, 'SecureBoot');

/** The same TPM: the changed log replays to the same PCRs as the honest one. */
function sameReplay(events: readonly EventInput[]): void {
  const sorted = (list: readonly EventInput[]) => [...replay(logOf(list), 'sha256')].sort(([a], [b]) => a - b);
  assert.deepEqual(sorted(events), sorted(boot));
}

test('the facts of a boot', () => {
  const known = facts(boot);
  assert.equal(known.secureBoot?.value, true);
  assert.equal(known.setupMode, undefined);
  assert.deepEqual(Object.keys(known.databases), ['PK', 'KEK', 'db', 'dbx']);
  assert.deepEqual(
    known.databases.db?.value.signatures?.map(({ type }) => type),
    ['x509'],
  );
  assert.deepEqual(known.databases.dbx?.value.signatures, []);
  assert.deepEqual(
    known.authorities.map(({ value, phase }) => [value.variable, hex(value.data), phase]),
    [['db', hex(certificate), 'loader']],
  );
  assert.deepEqual(
    known.bootApplications.map(({ value }) => hex(value.digest)),
    [sha256('kernel image')],
  );
  assert.deepEqual(
    known.ukiSections.map(({ value }) => [value.name, hex(value.digest)]),
    [
      ['.linux', sha256('vmlinuz')],
      ['.cmdline', sha256('root=/dev/vda')],
    ],
  );
  assert.deepEqual(
    known.loaderTexts.map(({ value }) => value),
    [
      { role: 'commandLine', text: 'quiet' },
      { role: 'grubKernelCommandLine', text: '/vmlinuz ro' },
    ],
  );
  assert.deepEqual(
    known.objects.map(({ value }) => [value.unprovenName, hex(value.digest)]),
    [['/boot/initrd', sha256('initrd')]],
  );
  assert.equal(known.exitBootServices?.value, 'succeeded');
  assert.deepEqual([...known.separators.keys()].sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(
    known.findings.map(({ code, quirk }) => [code, quirk]),
    [['quirk', 'variable-value-only']],
  );
});

test('a variable that was not measured proves nothing, although the log replays', () => {
  const off = encodeVariable('8be4df61-93ca-11d2-aa0d-00e098032b8c', 'SecureBoot', Uint8Array.of(0));
  const forged = bootWith((event) => (isSecureBoot(event) ? { ...event, measured: off } : event));
  assert.equal(facts(forged).secureBoot, undefined);
  assert.ok(codes(forged).has('data.mismatch'));
  assert.ok(codes(forged).has('secureBoot.unexplained'));
});

test('SecureBoot off, absent and in setup mode', () => {
  const flag = (data: Uint8Array) =>
    facts(bootWith((event) => (isSecureBoot(event) ? { ...event, data: config('SecureBoot', data).data } : event)));
  assert.equal(flag(Uint8Array.of(0)).secureBoot?.value, false);
  assert.equal(flag(new Uint8Array()).secureBoot?.value, false);
  assert.equal(flag(Uint8Array.of(2)).secureBoot, undefined);
  assert.equal(facts([config('SetupMode', Uint8Array.of(1)), ...boot]).setupMode?.value, true);
});

test('SecureBoot measured behind the separator, by whatever runs later, is no fact', () => {
  const late = [...boot.filter((event) => !isSecureBoot(event)), config('SecureBoot', Uint8Array.of(1))];
  assert.equal(facts(late).secureBoot, undefined);
  assert.ok(codes(late).has('secureBoot.late'));
});

test('SecureBoot measured twice is no fact', () => {
  const twice = [config('SecureBoot', Uint8Array.of(0)), ...boot];
  assert.equal(facts(twice).secureBoot, undefined);
  assert.ok(codes(twice).has('secureBoot.ambiguous'));
});

test('without a separator in PCR 7 nothing of it is a fact', () => {
  const without = boot.filter((event) => !(event.pcr === 7 && event.type === 'EV_SEPARATOR'));
  assert.equal(facts(without).secureBoot, undefined);
  assert.deepEqual(facts(without).databases, {});
  assert.ok(codes(without).has('separator.missing'));
});

test('hiding a separator behind another label does not move the border', () => {
  const late = config('SecureBoot', Uint8Array.of(1));
  const off = bootWith((event) => (isSecureBoot(event) ? [] : event));
  const hidden = [...off, late].map(
    (event): EventInput =>
      event.type === 'EV_SEPARATOR' && event.pcr === 7 ? { ...event, type: 'EV_EFI_ACTION' } : event,
  );
  assert.equal(facts(hidden).secureBoot, undefined);
  assert.ok(codes(hidden).has('secureBoot.late'));
});

test('a label EV_SEPARATOR makes no separator', () => {
  const fake: EventInput = { pcr: 7, type: 'EV_SEPARATOR', data: new Uint8Array(4), measured: 'other' };
  const known = facts(bootWith((event) => (event.pcr === 7 && event.type === 'EV_SEPARATOR' ? fake : event)));
  assert.equal(known.separators.get(7), undefined);
  assert.equal(known.secureBoot, undefined);
});

test('an error separator is reported, whatever its data say', () => {
  const error: EventInput = { pcr: 7, type: 'EV_SEPARATOR', data: 'all is well', measured: Uint8Array.of(1, 0, 0, 0) };
  const events = bootWith((event) => (event.pcr === 7 && event.type === 'EV_SEPARATOR' ? error : event));
  assert.equal(facts(events).separators.get(7)?.value, 'error');
  assert.equal(facts(events).secureBoot, undefined);
  assert.ok(codes(events).has('separator.error'));
});

test('a BootOrder whose value has the bytes of a separator is none', () => {
  assert.equal(facts(boot).separators.get(1)?.value, 'zeros');
  assert.ok(!codes(boot).has('separator.error'));
});

test('an authority cannot be hidden behind another label', () => {
  for (const type of ['EV_EFI_ACTION', 'EV_POST_CODE', 'EV_IPL'] as const) {
    const relabelled = bootWith((event) => (event === authority ? { ...event, type } : event));
    sameReplay(relabelled);
    assert.equal(facts(relabelled).authorities.length, 1, type);
  }
  const asConfig = bootWith((event) =>
    event === authority ? { ...event, type: 'EV_EFI_VARIABLE_DRIVER_CONFIG' } : event,
  );
  assert.ok(codes(asConfig).has('secureBoot.late'));
});

test('an image cannot be hidden behind another label or other data', () => {
  for (const type of ['EV_EFI_ACTION', 'EV_IPL', 'EV_POST_CODE', 'EV_EFI_VARIABLE_BOOT'] as const) {
    const relabelled = bootWith((event) =>
      event.type === 'EV_EFI_BOOT_SERVICES_APPLICATION' ? { ...event, type, data: 'Calling EFI Application' } : event,
    );
    sameReplay(relabelled);
    assert.deepEqual(
      facts(relabelled).bootApplications.map(({ value }) => hex(value.digest)),
      [sha256('kernel image')],
      type,
    );
  }
});

test('an event that is turned into EV_NO_ACTION is missed by the replay', () => {
  const hidden = bootWith((event) => (event === authority ? { ...event, type: 'EV_NO_ACTION' } : event));
  assert.throws(() => sameReplay(hidden));
});

test('pairs of PCR 11 are found by place: a content that looks like a name does not shift them', () => {
  const events = boot.map(
    (event): EventInput =>
      event.pcr === 11 && event.measured === 'vmlinuz' ? { ...event, measured: '.cmdline\0' } : event,
  );
  assert.deepEqual(
    facts(events).ukiSections.map(({ value }) => [value.name, hex(value.digest)]),
    [
      ['.linux', sha256('.cmdline\0')],
      ['.cmdline', sha256('root=/dev/vda')],
    ],
  );
  const odd = boot.filter((event) => event.measured !== 'vmlinuz');
  assert.deepEqual(
    facts(odd).ukiSections.map(({ value }) => value.name),
    ['.linux'],
  );
  assert.ok(codes(odd).has('section.order'));
});

test('GRUB: the text is proven, and its prefix is not', () => {
  const swapped = boot.map(
    (event): EventInput => (event.pcr === 8 ? { ...event, data: 'grub_cmd: /vmlinuz ro\0' } : event),
  );
  sameReplay(swapped);
  assert.deepEqual(facts(swapped).loaderTexts.at(-1)?.value, { role: 'grubCommand', text: '/vmlinuz ro' });
});

test('the rules of proof', () => {
  const value = (event: EventInput) => {
    const proof = proofOf(logOf([event]).events[1]!, 'sha256');
    return proof.state === 'data' ? proof.rule : proof.state;
  };
  const variable = encodeVariable('605dab50-e046-4300-abb6-3dd810dd8b23', 'Shim', certificate);
  const padded = concat(variable, new Uint8Array(6));
  const text = utf16('quiet');
  const table: [EventInput, string][] = [
    [{ pcr: 0, type: 'EV_SEPARATOR', data: new Uint8Array(4) }, 'data'],
    [{ pcr: 0, type: 'EV_SEPARATOR', data: new Uint8Array(4), measured: 'x' }, 'mismatch'],
    [{ pcr: 0, type: 'EV_NO_ACTION', data: 'x' }, 'none'],
    [{ pcr: 0, type: 'EV_POST_CODE', data: 'ACPI DATA', measured: 'x' }, 'digest'],
    [{ pcr: 0, type: 0x8401, data: 'x' }, 'data'],
    [{ pcr: 7, type: 'EV_EFI_VARIABLE_AUTHORITY', data: padded, measured: padded.subarray(0, -1) }, 'paddedVariable'],
    [{ pcr: 7, type: 'EV_EFI_VARIABLE_DRIVER_CONFIG', data: padded, measured: padded.subarray(0, -1) }, 'mismatch'],
    [{ pcr: 1, type: 'EV_EFI_VARIABLE_BOOT', data: variable, measured: certificate }, 'variableValue'],
    [{ pcr: 7, type: 'EV_EFI_VARIABLE_DRIVER_CONFIG', data: variable, measured: certificate }, 'mismatch'],
    [{ pcr: 8, type: 'EV_IPL', data: 'grub_cmd: ls\0', measured: 'ls' }, 'grubText'],
    [{ pcr: 8, type: 'EV_IPL', data: 'other: ls\0', measured: 'ls' }, 'digest'],
    [{ pcr: 11, type: 'EV_IPL', data: utf16('.osrel'), measured: '.osrel\0' }, 'sectionName'],
    [{ pcr: 8, type: 'EV_IPL', data: text.subarray(0, -1), measured: text }, 'restoredNul'],
  ];
  for (const [event, expected] of table) assert.equal(value(event), expected, `${event.type} ${expected}`);
});

test('text of Windows tags is no command line', () => {
  const windows: EventInput = { pcr: 12, type: 'EV_EVENT_TAG', data: Uint8Array.of(1, 0, 1, 0x40, 2, 0, 0, 0, 0, 0) };
  assert.equal(facts([...boot, windows]).loaderTexts.length, facts(boot).loaderTexts.length);
});

test('a digest of an event that was not extended is reported', () => {
  const event: EventInput = {
    pcr: 0,
    type: 'EV_NO_ACTION',
    data: 'x',
    digests: { sha256: new Uint8Array(32).fill(1) },
  };
  assert.ok(codes([event, ...boot]).has('noAction.digest'));
});

test('a further separator is reported', () => {
  assert.ok(codes([...boot, separator(4)]).has('separator.repeated'));
});
