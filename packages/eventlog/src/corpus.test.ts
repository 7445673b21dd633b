import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { hex } from '@vouchsafe/bytes/hex';
import type { Bank } from './algorithms.ts';
import { decodeLog } from './log.ts';
import { replay } from './replay.ts';
import { corpusBytes, corpusPath, corpusText, withCorpus } from './testing/corpus.ts';

/** Logs of real machines: form, banks, events. */
const logs: Record<string, [form: 'sha1' | 'agile', banks: string, events: number] | RegExp> = {
  'arch-linux-workstation.bin': ['agile', 'sha1 sha256', 25],
  // Text, no log: read as a TCG_PCR_EVENT, its event would have 1.9 GB.
  'bogus.bin': /^log\[0\]\.event: 1919248394 bytes, limit 1048576/,
  'coreos_36_shielded_vm_no_secure_boot_eventlog.bin': ['agile', 'sha1 sha256 sha384', 76],
  'cos-101-amd-sev.bin': ['agile', 'sha1 sha256 sha384', 49],
  'cos-85-amd-sev.bin': ['agile', 'sha1 sha256 sha384', 46],
  'cos-93-amd-sev.bin': ['agile', 'sha1 sha256 sha384', 46],
  'crypto_agile_eventlog.bin': ['agile', 'sha256', 27],
  'debian-10.bin': ['sha1', 'sha1', 25],
  'ebs_event_missing_eventlog.bin': ['sha1', 'sha1', 38],
  'event-bootorder.bin': ['agile', 'sha1 sha256', 104],
  'event-postcode.bin': ['agile', 'sha1 sha256', 59],
  'event-sd-boot-fedora37.bin': ['agile', 'sha256', 28],
  'event-uefi-sha1-log.bin': ['sha1', 'sha1', 17],
  'eventlogwithsp800155.bin': ['agile', 'sha1 sha256 sha384', 54],
  'glinux-alex.bin': ['agile', 'sha1 sha256', 29],
  'hirs_TpmLog.bin': ['agile', 'sha256', 56],
  'keylime_binary_bios_measurements.bin': ['agile', 'sha1 sha256', 121],
  'rust_keylime_uefi_log.bin': ['agile', 'sha256', 124],
  'sb_cert_eventlog.bin': ['agile', 'sha1 sha256 sha384', 15],
  // One EV_NO_ACTION event in SHA-1 form and nothing else: a log that accounts for no PCR.
  'short_no_action_eventlog.bin': ['sha1', 'sha1', 1],
  'ubuntu-1804-amd-sev.bin': ['agile', 'sha1 sha256 sha384', 88],
  'ubuntu-2104-no-dbx.bin': ['agile', 'sha1 sha256 sha384', 112],
  'ubuntu-2104-no-secure-boot.bin': ['agile', 'sha1 sha256 sha384', 106],
};

test('every log of a real machine decodes and replays, or is refused for a reason', withCorpus, () => {
  for (const file of readdirSync(corpusPath('eventlogs')).filter((name) => name.endsWith('.bin'))) {
    const expected = logs[file];
    const bytes = corpusBytes('eventlogs', file);
    if (expected instanceof RegExp) {
      assert.throws(() => decodeLog(bytes), { message: expected }, file);
      continue;
    }
    const log = decodeLog(bytes);
    if (expected) assert.deepEqual([log.form, log.banks.join(' '), log.events.length], expected, file);
    for (const bank of log.banks) assert.ok(replay(log, bank).size <= 24, file);
  }
});

/** PCRs of tpm2_eventlog's YAML: `pcrs:`, a bank, then `index : 0xhex`. */
function yamlPcrs(text: string): Map<string, Map<number, string>> {
  const banks = new Map<string, Map<number, string>>();
  let bank = new Map<number, string>();
  for (const line of (text.split('\npcrs:\n')[1] ?? '').split('\n')) {
    const name = /^ {2}(\w+):$/.exec(line)?.[1];
    const value = /^ {4}(\d+) *: 0x([0-9a-f]+)$/.exec(line);
    if (name) {
      bank = new Map();
      banks.set(name, bank);
    }
    if (value) bank.set(Number(value[1]), value[2]!);
  }
  return banks;
}

const inHex = (pcrs: Map<number, Uint8Array>) => new Map([...pcrs].map(([pcr, value]) => [pcr, hex(value)]));
const byPcr = (a: [number, string], b: [number, string]) => a[0] - b[0];

test('replay agrees with tpm2_eventlog in every bank and every PCR', withCorpus, () => {
  const pairs = readdirSync(corpusPath('eventlogs'))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => [corpusBytes('eventlogs', name.slice(0, -5)), corpusText('eventlogs', name)] as const);
  const boots = readdirSync(corpusPath('measured-boot')).map(
    (name) =>
      [
        corpusBytes('measured-boot', name, 'binary_bios_measurements'),
        corpusText('measured-boot', name, 'eventlog.yaml'),
      ] as const,
  );
  let compared = 0;
  for (const [bytes, yaml] of [...pairs, ...boots]) {
    const log = decodeLog(bytes);
    for (const [bank, pcrs] of yamlPcrs(yaml)) {
      assert.deepEqual([...inHex(replay(log, bank as Bank))].sort(byPcr), [...pcrs].sort(byPcr));
      compared += pcrs.size;
    }
  }
  assert.ok(compared > 0);
});

test('replay equals the PCRs that the TPM held after the boot', withCorpus, () => {
  for (const name of readdirSync(corpusPath('measured-boot'))) {
    const log = decodeLog(corpusBytes('measured-boot', name, 'binary_bios_measurements'));
    const held = new Map(
      corpusText('measured-boot', name, 'pcrs.txt')
        .trim()
        .split('\n')
        .map((line) => line.toLowerCase().split('=') as [string, string]),
    );
    for (const bank of log.banks) {
      for (const [pcr, value] of replay(log, bank))
        assert.equal(hex(value), held.get(`${bank}:${pcr}`), `${name} ${pcr}`);
    }
  }
});

test('replay equals the expected PCRs of the HIRS log', withCorpus, () => {
  const expected = corpusText('eventlogs', 'hirs_TpmLog.expected_pcrs.txt').trim().split('\n');
  const pcrs = replay(decodeLog(corpusBytes('eventlogs', 'hirs_TpmLog.bin')), 'sha256');
  assert.deepEqual([...pcrs.keys()].sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
  for (const [pcr, value] of pcrs) assert.equal(hex(value), expected[pcr]);
});
