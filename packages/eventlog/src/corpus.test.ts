import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { hex } from '@vouchsafe/bytes/hex';
import { type Bank, digest } from './algorithms.ts';
import { describe } from './describe.ts';
import { loadOptionsDigest } from './facts/loader.ts';
import { decodeLog, type EventLog } from './log.ts';
import { provenFacts } from './proven.ts';
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

/** Every log that decodes. */
function everyLog(): [string, EventLog][] {
  const machines = readdirSync(corpusPath('eventlogs'))
    .filter((name) => name.endsWith('.bin') && !(logs[name] instanceof RegExp))
    .map((name): [string, EventLog] => [name, decodeLog(corpusBytes('eventlogs', name))]);
  const boots = readdirSync(corpusPath('measured-boot')).map((name): [string, EventLog] => [
    name,
    decodeLog(corpusBytes('measured-boot', name, 'binary_bios_measurements')),
  ]);
  return [...machines, ...boots];
}

/** Whether Secure Boot is proven to be on; absent: nothing is proven. */
const secureBoot: Record<string, boolean | undefined> = {
  'arch-linux-workstation.bin': false,
  'coreos_36_shielded_vm_no_secure_boot_eventlog.bin': false,
  'cos-101-amd-sev.bin': true,
  'cos-85-amd-sev.bin': true,
  'cos-93-amd-sev.bin': true,
  'crypto_agile_eventlog.bin': false,
  'debian-10.bin': true,
  'ebs_event_missing_eventlog.bin': false,
  'event-bootorder.bin': false,
  'event-postcode.bin': true,
  'event-sd-boot-fedora37.bin': false,
  'event-uefi-sha1-log.bin': false,
  'eventlogwithsp800155.bin': true,
  'glinux-alex.bin': false,
  'hirs_TpmLog.bin': false,
  'keylime_binary_bios_measurements.bin': false,
  'rust_keylime_uefi_log.bin': false,
  'sb_cert_eventlog.bin': true,
  'short_no_action_eventlog.bin': undefined,
  'ubuntu-1804-amd-sev.bin': false,
  'ubuntu-2104-no-dbx.bin': false,
  'ubuntu-2104-no-secure-boot.bin': false,
  direct1: false,
  fw2m: false,
  ima: false,
  tis: false,
  uki: false,
  'uki-sb': true,
};

test(
  'facts of real machines: every bank agrees, every label is borne out, no event of PCR 7 is unexplained',
  withCorpus,
  () => {
    for (const [name, log] of everyLog()) {
      for (const bank of log.banks) {
        const facts = provenFacts(log, bank);
        if (name in secureBoot) assert.equal(facts.secureBoot?.value, secureBoot[name], `${name} ${bank}`);
        const bad = facts.findings.filter(({ code }) => code === 'data.mismatch' || code.startsWith('secureBoot.'));
        assert.deepEqual(bad, [], `${name} ${bank}`);
        for (const event of log.events) {
          const line = describe(event, bank, facts.proofs[event.index]);
          assert.doesNotMatch(line, /do not fit/, `${name} ${event.index}`);
        }
      }
    }
  },
);

test('a unified kernel image: sections, and the digest of the kernel command line', withCorpus, () => {
  const log = decodeLog(corpusBytes('measured-boot', 'uki', 'binary_bios_measurements'));
  const cmdline = corpusText('measured-boot', 'uki', 'cmdline').trim();
  const facts = provenFacts(log, 'sha256');
  assert.deepEqual(
    facts.ukiSections.map(({ value }) => value.name),
    ['.linux', '.osrel', '.cmdline', '.initrd'],
  );
  const forms = [cmdline, `${cmdline}\n`, `${cmdline}\0`].map((text) => hex(digest('sha256', Buffer.from(text))));
  assert.ok(forms.includes(hex(facts.ukiSections[2]!.value.digest)));
  const options = facts.objects.find(({ value }) => value.role === 'linuxLoadOptions');
  assert.deepEqual(options?.value.digest, loadOptionsDigest('sha256', cmdline));
});

test('a log of Windows', withCorpus, () => {
  const evidence = JSON.parse(corpusText('evidence', 'windows_gcp_shielded_vm.json'));
  const log = decodeLog(new Uint8Array(Buffer.from(evidence.Log.Raw, 'base64')));
  const held = new Map<number, string>();
  for (const { Index, Digest } of evidence.Log.PCRs) held.set(Index, Buffer.from(Digest, 'base64').toString('hex'));
  for (const [pcr, value] of replay(log, 'sha1')) assert.equal(hex(value), held.get(pcr), `PCR ${pcr}`);
  assert.equal(provenFacts(log, 'sha1').secureBoot?.value, true);
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
