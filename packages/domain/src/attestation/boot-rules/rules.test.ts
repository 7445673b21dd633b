import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concat, hex } from '@vouchsafe/bytes/hex';
import { digest } from '@vouchsafe/eventlog/algorithms';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { type ProofInput, provenFacts } from '@vouchsafe/eventlog/proven';
import { authority, boot, bootWith, certificate, config } from '@vouchsafe/eventlog/testing/boot';
import { buildLog, type EventInput, startupLocality, utf16 } from '@vouchsafe/eventlog/testing/build';
import { corpusBytes, corpusText, withCorpus } from '@vouchsafe/eventlog/testing/corpus';
import { guidBytes } from '@vouchsafe/eventlog/uefi/guid';
import { encodeSignatureLists } from '@vouchsafe/eventlog/uefi/signature-list';
import { encodeVariable } from '@vouchsafe/eventlog/uefi/variable';
import { type BootRules, lintRules } from '../boot-rules.ts';
import { ruleFindings } from '../checks/boot-rules.ts';
import type { RuleValue } from './rule.ts';
import { bootRules, type RuleId, ruleIds } from './table.ts';

const global = '8be4df61-93ca-11d2-aa0d-00e098032b8c';
const security = 'd719b2cb-3d3a-4596-a3bc-dad00e67656f';
const shim = '605dab50-e046-4300-abb6-3dd810dd8b23';
const owner = '77fa9abd-0359-4d32-bd60-28f4e78f784b';
const sha256 = (data: Uint8Array | string) =>
  hex(digest('sha256', typeof data === 'string' ? Buffer.from(data) : data));

const facts = (events: readonly EventInput[], beside?: ProofInput) =>
  provenFacts(decodeLog(buildLog(events, ['sha256'])), 'sha256', beside);

const isVariable = ({ data }: EventInput, name: string) =>
  Buffer.from(data).includes(Buffer.from(`${name}`, 'utf16le'));
const replaced = (name: string, data: Uint8Array) =>
  bootWith((event) =>
    event.pcr === 7 && event.type === 'EV_EFI_VARIABLE_DRIVER_CONFIG' && isVariable(event, name)
      ? config(name, data)
      : event,
  );
const database = (...certificates: Uint8Array[]) =>
  encodeSignatureLists(certificates.map((data) => [{ type: 'x509', owner, data }]));
const other = Uint8Array.from([0x30, 0x82, 0x00, 0x01, 0x07]);
const byKey = (variable: string, guid: string, data: Uint8Array): EventInput => ({
  pcr: 7,
  type: 'EV_EFI_VARIABLE_AUTHORITY',
  data: encodeVariable(guid, variable, data),
});
const withAuthority = (event: EventInput) => bootWith((each) => (each === authority ? event : each));
const withCommandLine = (text: string) =>
  bootWith((event) => (event.pcr === 12 ? { ...event, data: utf16(text) } : event));
const loadOption = (path: string): EventInput => {
  const file = Buffer.from(`${path}\0`, 'utf16le');
  const node = concat(Uint8Array.of(4, 4, file.length + 4, 0), file, Uint8Array.of(0x7f, 0xff, 4, 0));
  const value = concat(Uint8Array.of(1, 0, 0, 0, node.length, 0), Buffer.from('x\0', 'utf16le'), node);
  return { pcr: 1, type: 'EV_EFI_VARIABLE_BOOT', data: encodeVariable(global, 'Boot0007', value), measured: value };
};
const early = (event: EventInput) => [event, ...boot];

interface Row {
  readonly value: RuleValue;
  /** A boot that the rule lets through, with what it needs proven. */
  readonly good: readonly EventInput[];
  /** An attack, and what is said of it. */
  readonly attacks: readonly (readonly [name: string, events: readonly EventInput[], detail: RegExp])[];
  readonly beside?: ProofInput;
}

const lines: ProofInput = { commandLines: ['root=/dev/vda'] };

/** Each rule that looks at facts: the attack passes with the rule off, and is refused with it on. */
const rows: Partial<Record<RuleId, Row>> = {
  'secure-boot.required': {
    value: true,
    good: boot,
    attacks: [
      ['Secure Boot off', replaced('SecureBoot', Uint8Array.of(0)), /is off/],
      ['not measured', bootWith((event) => (isVariable(event, 'SecureBoot') ? [] : event)), /not proven/],
      ['setup mode', early(config('SetupMode', Uint8Array.of(1))), /setup mode/],
      ['audit mode', early(config('AuditMode', Uint8Array.of(1))), /audit mode/],
    ],
  },
  'secure-boot.consistent': {
    value: true,
    good: boot,
    attacks: [
      [
        'verified by a key outside db',
        withAuthority(byKey('db', security, concat(guidBytes(owner), other))),
        /not in db/,
      ],
      ['verified by nothing', bootWith((event) => (event === authority ? [] : event)), /nothing says what verified/],
      ['verified by what dbx revokes', replaced('dbx', database(certificate)), /dbx revokes/],
      ['setup mode beside it', early(config('SetupMode', Uint8Array.of(1))), /setup mode/],
    ],
  },
  'secure-boot.pk': {
    value: [sha256(certificate)],
    good: boot,
    attacks: [
      ['another owner', replaced('PK', database(other)), new RegExp(`PK holds ${sha256(other)}`)],
      ['no PK', replaced('PK', new Uint8Array()), /PK is empty/],
      ['PK unreadable', replaced('PK', Uint8Array.of(1, 2, 3)), /not proven/],
    ],
  },
  'secure-boot.kek': {
    value: [sha256(certificate)],
    good: boot,
    attacks: [['one key more', replaced('KEK', database(certificate, other)), /KEK holds/]],
  },
  'secure-boot.db': {
    value: [sha256(certificate)],
    good: boot,
    attacks: [
      [
        'one key more',
        bootWith((event, i) => (i === 4 ? config('db', database(certificate, other)) : event)),
        new RegExp(`db holds ${sha256(other)}`),
      ],
    ],
  },
  'secure-boot.dbx': {
    value: true,
    good: replaced('dbx', database(other)),
    attacks: [['emptied', boot, /dbx is empty/]],
  },
  'secure-boot.authorities': {
    value: [sha256(certificate)],
    good: boot,
    attacks: [
      ['another signer', [...boot, byKey('Shim', shim, other)], /which the rule does not name/],
      ['nobody', bootWith((event) => (event === authority ? [] : event)), /nothing says who/],
    ],
  },
  'shim.sbat-level': {
    value: '2023012900',
    good: [...boot, byKey('SbatLevel', shim, Buffer.from('sbat,1,2024010900\nshim,4\n'))],
    attacks: [
      ['an old level', [...boot, byKey('SbatLevel', shim, Buffer.from('sbat,1,2021030218\n'))], /of 2021030218/],
      ['no level', boot, /no SBAT level/],
    ],
  },
  'shim.mok-untrusted': {
    value: true,
    good: boot,
    attacks: [['trusted', [...boot, byKey('MokListTrusted', shim, Uint8Array.of(1))], /machine owner keys/]],
  },
  'boot.loaders': {
    value: [sha256('kernel image')],
    good: boot,
    attacks: [
      [
        'a shell before it',
        early({ pcr: 4, type: 'EV_EFI_BOOT_SERVICES_APPLICATION', data: new Uint8Array(32), measured: 'shell' }),
        /was started/,
      ],
      ['a loader under another label', early({ pcr: 4, type: 'EV_IPL', data: 'x', measured: 'shell' }), /was started/],
    ],
  },
  'boot.options': {
    value: ['\\\\EFI\\\\debian\\\\*'],
    good: early(loadOption('\\EFI\\debian\\shimx64.efi')),
    attacks: [
      ['another disk', early(loadOption('\\EFI\\other\\shimx64.efi')), /boot option x/],
      ['no boot menu', boot, /measured no boot option/],
    ],
  },
  'firmware.locality': {
    value: true,
    good: early({ pcr: 0, type: 'EV_NO_ACTION', data: startupLocality(3) }),
    attacks: [['golden log replayed by the running system', boot, /locality 0/]],
  },
  'firmware.versions': {
    value: ['1.*'],
    good: boot,
    attacks: [
      [
        'old firmware',
        bootWith((event) => (event.type === 'EV_S_CRTM_VERSION' ? { ...event, data: utf16('0.9') } : event)),
        /the firmware is 0\.9/,
      ],
      ['no version', bootWith((event) => (event.type === 'EV_S_CRTM_VERSION' ? [] : event)), /not proven/],
      [
        'a version that was measured afterwards',
        [
          ...boot.filter(({ type }) => type !== 'EV_S_CRTM_VERSION'),
          { pcr: 0, type: 'EV_S_CRTM_VERSION', data: utf16('1.5') },
        ],
        /not proven/,
      ],
    ],
  },
  'firmware.drivers': {
    value: [sha256('my driver')],
    good: early({ pcr: 2, type: 'EV_EFI_BOOT_SERVICES_DRIVER', data: new Uint8Array(32), measured: 'my driver' }),
    attacks: [
      [
        'a card with code',
        early({ pcr: 2, type: 'EV_EFI_BOOT_SERVICES_DRIVER', data: new Uint8Array(32), measured: 'evil' }),
        /driver [0-9a-f]{64}/,
      ],
    ],
  },
  'firmware.debug-off': {
    value: true,
    good: boot,
    attacks: [
      ['debug mode', early({ pcr: 7, type: 'EV_EFI_ACTION', data: 'UEFI Debug Mode' }), /UEFI Debug Mode/],
      [
        'no DMA protection',
        early({ pcr: 7, type: 'EV_EFI_ACTION', data: 'DMA Protection Disabled' }),
        /DMA Protection/,
      ],
    ],
  },
  'firmware.exit-boot-services': {
    value: true,
    good: boot,
    attacks: [
      ['absent', bootWith((event) => (event.pcr === 5 ? [] : event)), /not proven/],
      [
        'failed',
        bootWith((event) =>
          String(event.data).endsWith('Success')
            ? { ...event, data: 'Exit Boot Services Returned with Failure' }
            : event,
        ),
        /failed/,
      ],
      ['invoked only', bootWith((event) => (String(event.data).endsWith('Success') ? [] : event)), /invoked/],
    ],
  },
  'cmdline.forbidden': {
    value: bootRules['cmdline.forbidden'].default,
    good: withCommandLine('quiet ro init=/usr/lib/systemd/systemd systemd.debug-shell=0 console=ttyS0,115200'),
    attacks: [
      'init=/bin/sh',
      'init="/bin/sh"',
      '"init=/bin/sh"',
      'rdinit=/bin/sh',
      'rd.break',
      'rd.break=pre-mount',
      'x="a break=premount b"',
      'systemd.debug-shell',
      'systemd.debug_shell=1',
      'rd.systemd.debug-shell=tty9',
      'systemd.unit=rescue.target',
      "'systemd.unit=emergency.target'",
      'single',
      '1',
      '-- single',
      'crashkernel=256M',
      'module.sig_enforce=0',
      'lockdown=none',
      'ima_appraise=off',
      'bootconfig',
    ].map((text) => [text, withCommandLine(`quiet ${text}`), /the command line has/] as const),
  },
  'cmdline.required': {
    value: ['lockdown=*', 'ima_policy=tcb'],
    beside: lines,
    good: withCommandLine('quiet lockdown=integrity ima_policy=tcb'),
    attacks: [
      ['missing', withCommandLine('quiet ima_policy=tcb'), /lacks lockdown=\*/],
      ['another value', withCommandLine('lockdown=integrity ima_policy=none'), /ima_policy=none where ima_policy=tcb/],
      [
        'taken back further on',
        withCommandLine('lockdown=integrity ima_policy=tcb ima_policy=none'),
        /ima_policy=none/,
      ],
      ['for the first program only', withCommandLine('lockdown=integrity -- ima_policy=tcb'), /lacks ima_policy=tcb/],
    ],
  },
  'cmdline.allowed': {
    value: ['quiet', 'ro', 'root=/dev/vda', 'console=*'],
    beside: lines,
    good: withCommandLine('quiet console=ttyS0,115200'),
    attacks: [['something else', withCommandLine('quiet iommu=off'), /iommu=off/]],
  },
  'cmdline.unreadable': {
    value: 'refuse',
    beside: lines,
    good: boot,
    attacks: [
      [
        'a section whose text nobody knows',
        bootWith((event) => (event.measured === 'root=/dev/vda' ? { ...event, measured: 'x' } : event)),
        /only the digest .* PCR 11/,
      ],
    ],
  },
};

/** Rules that another check asks for: image-fit.test.ts and log-findings.test.ts show what they do. */
const askedElsewhere: readonly RuleId[] = ['secure-boot.match', 'boot.attempts-ignored', 'eventlog.quirks'];

const everythingOff: BootRules = {
  'secure-boot.consistent': false,
  'firmware.debug-off': false,
  'cmdline.forbidden': [],
};
const breaches = (rules: BootRules, events: readonly EventInput[], beside?: ProofInput) =>
  ruleFindings(rules, { facts: facts(events, beside), image: undefined }).filter(({ severity }) => severity === 'fail');

test('every rule has a row here, or is asked elsewhere', () => {
  assert.deepEqual(new Set([...Object.keys(rows), ...askedElsewhere]), new Set(ruleIds));
});

for (const [id, { value, good, attacks, beside }] of Object.entries(rows) as [RuleId, Row][]) {
  describe(id, () => {
    const on: BootRules = { ...everythingOff, [id]: value };
    test('lets through what is as it should be', () => assert.deepEqual(breaches(on, good, beside), []));
    for (const [name, events, detail] of attacks) {
      test(`${name}: passes without the rule, and not with it`, () => {
        assert.deepEqual(breaches(everythingOff, events, beside), []);
        const found = breaches(on, events, beside);
        assert.deepEqual(new Set(found.map(({ check }) => check)), new Set([`rule.${id}`]));
        assert.match(found.map((each) => each.detail).join('\n'), detail);
        assert.ok(found.every(({ advice }) => advice === bootRules[id].advice));
      });
    }
  });
}

test('a rule whose PCR no quote vouches for is broken, and says which fact is not proven', () => {
  const pcrs = new Set([8, 9, 10, 11, 12, 13, 14]);
  const on: BootRules = {
    'secure-boot.required': true,
    'firmware.locality': true,
    'firmware.drivers': ['00'.repeat(32)],
    'boot.loaders': ['00'.repeat(32)],
  };
  const found = ruleFindings(on, { facts: facts(boot, { pcrs }), image: undefined });
  assert.deepEqual(
    found.map(({ check, detail }) => [check, detail]),
    [
      ['rule.secure-boot.required', 'the variable SecureBoot is not proven'],
      ['rule.boot.loaders', 'nothing is proven about what the firmware started'],
      ['rule.firmware.locality', 'the start of the TPM is not proven'],
      ['rule.firmware.drivers', 'the end of the drivers is not proven'],
    ],
  );
});

test('rules about all parameters are broken by a command line that cannot be read', () => {
  for (const rules of [{ 'cmdline.required': ['quiet'] }, { 'cmdline.allowed': ['quiet', 'ro'] }]) {
    assert.match(
      breaches(rules, boot)
        .map(({ detail }) => detail)
        .join(),
      /only the digest of the command line in PCR 11/,
    );
  }
});

test('the defaults let the boots of real machines through', withCorpus, () => {
  const names = [
    'arch-linux-workstation.bin',
    'coreos_36_shielded_vm_no_secure_boot_eventlog.bin',
    'cos-101-amd-sev.bin',
    'cos-85-amd-sev.bin',
    'cos-93-amd-sev.bin',
    'event-bootorder.bin',
    'event-postcode.bin',
    'event-sd-boot-fedora37.bin',
    'eventlogwithsp800155.bin',
    'glinux-alex.bin',
    'keylime_binary_bios_measurements.bin',
    'rust_keylime_uefi_log.bin',
    'sb_cert_eventlog.bin',
    'ubuntu-1804-amd-sev.bin',
    'ubuntu-2104-no-dbx.bin',
    'ubuntu-2104-no-secure-boot.bin',
  ];
  for (const name of names) {
    const found = ruleFindings(
      {},
      { facts: provenFacts(decodeLog(corpusBytes('eventlogs', name)), 'sha256'), image: undefined },
    );
    const failed = found
      .filter(({ severity }) => severity === 'fail')
      .map(({ check, detail }) => `${check}: ${detail}`);
    assert.deepEqual(failed, [], name);
  }
});

test('a real kernel image with a shell in its command line', withCorpus, () => {
  const log = decodeLog(corpusBytes('measured-boot', 'uki-sb', 'binary_bios_measurements'));
  const commandLines = [corpusText('measured-boot', 'uki-sb', 'cmdline').trim()];
  const known = provenFacts(log, 'sha256', { commandLines });
  assert.deepEqual(
    ruleFindings(
      { 'secure-boot.required': true, 'cmdline.required': ['ima_policy=tcb'] },
      { facts: known, image: undefined },
    ),
    [],
  );
  assert.equal(
    ruleFindings({ 'cmdline.required': ['lockdown=*'] }, { facts: known, image: undefined })[0]?.check,
    'rule.cmdline.required',
  );
});

const refusedRules: [rules: BootRules, why: RegExp][] = [
  [{ 'cmdline.allowed': ['*'] }, /cmdline\.allowed: \* matches everything/],
  [{ 'cmdline.allowed': ['quiet', '**'] }, /matches everything/],
  [{ 'cmdline.allowed': ['?*'] }, /matches everything/],
  [{ 'boot.options': ['*'] }, /boot\.options: \* matches everything/],
  [{ 'firmware.versions': ['*'] }, /firmware\.versions/],
  [{ 'cmdline.forbidden': ['!init=*'] }, /only exceptions/],
  [{ 'cmdline.forbidden': ['init=*', '!*'] }, /matches everything/],
  [{ 'cmdline.required': ['lockdown=none'] }, /is forbidden by cmdline\.forbidden/],
  [{ 'cmdline.allowed': ['[a'] }, /without \]/],
  [{ 'eventlog.quirks': ['whatever'] }, /there is no peculiarity whatever/],
];
for (const [rules, why] of refusedRules) {
  test(`refused when it is written: ${JSON.stringify(rules)}`, () => assert.match(lintRules(rules).join(), why));
}

test('the defaults are good rules', () => assert.deepEqual(lintRules({}), []));
