import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesOf, changesText } from './changes.ts';
import { parseSbatLevel } from './facts/sbat.ts';
import { decodeLog } from './log.ts';
import { type ProofInput, provenFacts } from './proven.ts';
import { boot, bootWith, config, separator } from './testing/boot.ts';
import { buildLog, type EventInput, startupLocality, utf16 } from './testing/build.ts';
import { corpusBytes, corpusText, withCorpus } from './testing/corpus.ts';
import { encodeVariable } from './uefi/variable.ts';

const facts = (events: readonly EventInput[], beside?: ProofInput) =>
  provenFacts(decodeLog(buildLog(events, ['sha256'])), 'sha256', beside);
const shim = '605dab50-e046-4300-abb6-3dd810dd8b23';
const authorityOf = (name: string, data: Uint8Array): EventInput => ({
  pcr: 7,
  type: 'EV_EFI_VARIABLE_AUTHORITY',
  data: encodeVariable(shim, name, data),
});
const ascii = (text: string) => new Uint8Array(Buffer.from(text));

test('how the TPM was started, when a quote vouches for PCR 0', () => {
  assert.deepEqual(facts(boot).startup, { locality: 0, hcrtm: false });
  const three: EventInput = { pcr: 0, type: 'EV_NO_ACTION', data: startupLocality(3) };
  assert.deepEqual(facts([three, ...boot]).startup, { locality: 3, hcrtm: false });
  const hcrtm: EventInput = { pcr: 0, type: 'EV_EFI_HCRTM_EVENT', data: 'HCRTM', measured: 'firmware' };
  assert.deepEqual(facts([hcrtm, ...boot]).startup, { locality: 4, hcrtm: true });
  assert.equal(facts([three, ...boot], { pcrs: new Set([4, 7]) }).startup, undefined);
});

test('events of a PCR that no quote vouches for prove nothing', () => {
  const without7 = facts(boot, { pcrs: new Set([0, 4, 11]) });
  assert.equal(without7.secureBoot, undefined);
  assert.deepEqual([without7.databases, without7.authorities], [{}, []]);
  assert.equal(without7.bootApplications.length, 1);
});

test('a version of the firmware counts before the separator only', () => {
  const late: EventInput = { pcr: 0, type: 'EV_S_CRTM_VERSION', data: utf16('9.9') };
  assert.deepEqual(
    facts([...boot, late]).firmwareVersions.map(({ value }) => value),
    ['1.0'],
  );
});

test('the level that shim enforced, and whether the kernel trusts keys of the owner', () => {
  const level = facts([
    ...boot,
    authorityOf('SbatLevel', ascii('sbat,1,2023012900\nshim,3\ngrub,2\n')),
    authorityOf('MokListTrusted', Uint8Array.of(1)),
  ]);
  assert.equal(level.sbatLevel?.value.date, '2023012900');
  assert.equal(level.sbatLevel?.value.generations.get('shim'), 3);
  assert.equal(level.mokListTrusted?.value, true);
  assert.deepEqual([facts(boot).sbatLevel, facts(boot).mokListTrusted], [undefined, undefined]);
});

for (const text of [
  '',
  'sbat,1',
  'sbat,2,2023012900',
  'sbat,1,latest',
  'sbat,1,2023012900\nshim',
  'sbat,1,2023012900\nshim,x',
]) {
  test(`no SBAT level: ${JSON.stringify(text)}`, () => assert.equal(parseSbatLevel(ascii(text)), undefined));
}

const lines = (events: readonly EventInput[], ...candidates: string[]) =>
  facts(events, { commandLines: candidates }).commandLines.map(({ pcr, value }) => [pcr, value.source, value.text]);

test('command lines: what loaders measured is read, what is known by digest needs its text', () => {
  const unread = [
    [12, 'loader', 'quiet'],
    [8, 'loader', 'ro'],
    [11, 'section', undefined],
  ];
  assert.deepEqual(lines(boot), unread);
  assert.deepEqual(lines(boot, 'root=/dev/sda'), unread, 'a text that was not measured proves nothing');
  assert.deepEqual(lines(boot, 'root=/dev/vda').at(-1), [11, 'section', 'root=/dev/vda']);
});

test('a relabelled command line of GRUB is still one, and an unexplained event of PCR 12 is none that can be read', () => {
  const relabelled = bootWith((event) => (event.pcr === 8 ? { ...event, data: 'grub_cmd: /vmlinuz ro\0' } : event));
  assert.deepEqual(lines(relabelled).at(1), [8, 'loader', 'ro']);
  const hidden = bootWith((event) =>
    event.pcr === 12 ? { ...event, measured: event.data, data: 'something' } : event,
  );
  assert.deepEqual(lines(hidden).at(-1), [12, 'unknown', undefined]);
  const echo: EventInput = {
    pcr: 8,
    type: 'EV_IPL',
    data: 'grub_cmd: echo kernel_cmdline: /x a\0',
    measured: 'echo kernel_cmdline: /x a',
  };
  assert.equal(lines([...boot, echo]).length, lines(boot).length);
});

test('the same boot, with one thing changed, in words', () => {
  const of = (events: readonly EventInput[]) =>
    changesOf(facts(boot), facts(events)).changed.map(({ part, text }) => `${part}: ${text}`);
  assert.deepEqual(of(boot), []);
  assert.deepEqual(of(bootWith((event) => (event.pcr === 12 ? { ...event, data: utf16('quiet debug') } : event))), [
    'command line: added debug',
  ]);
  assert.deepEqual(of(bootWith((event, i) => (i === 1 ? config('SecureBoot', Uint8Array.of(0)) : event))), [
    'Secure Boot: Secure Boot was on and is off',
  ]);
  assert.match(
    of(bootWith((event) => (event.measured === 'vmlinuz' ? { ...event, measured: 'new' } : event)))[0]!,
    /^kernel: section .linux was [0-9a-f]{16} and is [0-9a-f]{16}$/,
  );
  assert.match(
    of(
      bootWith((event) =>
        event.pcr === 0 && event.type === 'EV_S_CRTM_VERSION' ? { ...event, data: utf16('1.1') } : event,
      ),
    ).join(),
    /firmware version: added 1\.1,firmware version: removed 1\.0/,
  );
  assert.deepEqual(of([...boot, separator(2)]), []);
});

test('real updates, in words', withCorpus, () => {
  const of = (name: string) => provenFacts(decodeLog(corpusBytes('eventlogs', name)), 'sha256');
  const dbx = changesText(changesOf(of('ubuntu-2104-no-dbx.bin'), of('ubuntu-2104-no-secure-boot.bin')));
  assert.match(dbx, /^dbx: 186 entries added \(x509 sha256:/);
  assert.match(dbx, /unchanged: firmware version, start of the TPM, Secure Boot, PK, KEK, db, SBAT level/);
  assert.match(dbx, /command line: removed root=PARTUUID=\S+, scsi_mod\.use_blk_mq=Y, ima_hash=sha256/);
});

test(
  'the command line of a real kernel image is proven by what the kernel says it was started with',
  withCorpus,
  () => {
    const log = decodeLog(corpusBytes('measured-boot', 'uki-sb', 'binary_bios_measurements'));
    const text = corpusText('measured-boot', 'uki-sb', 'cmdline').trim();
    assert.deepEqual(
      provenFacts(log, 'sha256', { commandLines: [text] }).commandLines.map(({ pcr, value }) => [pcr, value.text]),
      [
        [11, text],
        [9, text],
      ],
    );
    assert.deepEqual(
      provenFacts(log, 'sha256', { commandLines: [`${text} x`] }).commandLines.map(({ value }) => value.text),
      [undefined, undefined],
    );
  },
);

test('the boot menu of a real machine', withCorpus, () => {
  const { bootOptions } = provenFacts(
    decodeLog(corpusBytes('eventlogs', 'keylime_binary_bios_measurements.bin')),
    'sha256',
  );
  assert.deepEqual(
    bootOptions.slice(0, 1).map(({ value }) => [value.unprovenName, value.description, value.path]),
    [['Boot0000', 'Fedora', 'HD(1,GPT,b8f6bee9-bc10-4c72-b34a-6db8fd8f772c,0x800,0x80000)/\\EFI\\fedora\\shimx64.efi']],
  );
});
