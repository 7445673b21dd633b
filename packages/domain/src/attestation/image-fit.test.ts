import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concat } from '@vouchsafe/bytes/hex';
import { digest } from '@vouchsafe/eventlog/algorithms';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { provenFacts } from '@vouchsafe/eventlog/proven';
import { authority, boot, bootWith, config } from '@vouchsafe/eventlog/testing/boot';
import type { EventInput } from '@vouchsafe/eventlog/testing/build';
import { guidBytes } from '@vouchsafe/eventlog/uefi/guid';
import { encodeSignatureLists } from '@vouchsafe/eventlog/uefi/signature-list';
import { encodeVariable } from '@vouchsafe/eventlog/uefi/variable';
import { bootOf, imageOf, type MadeBoot } from '../testing/images.ts';
import type { BootRules } from './boot-rules.ts';
import { imageFit } from './image-fit.ts';
import { imageBreaches, refuseBreaches } from './image-rules.ts';

const fit = (golden: readonly EventInput[], host: MadeBoot, rules: BootRules = {}) => {
  const log = decodeLog(host.eventLog);
  const proven = { pcrs: host.pcrs, log, facts: provenFacts(log, 'sha256'), rules };
  return imageFit(imageOf('golden', bootOf(golden)), proven);
};
const attempt: EventInput = { pcr: 4, type: 'EV_EFI_ACTION', data: 'Calling EFI Application from Boot Option' };
const returned: EventInput = { pcr: 4, type: 'EV_EFI_ACTION', data: 'Returning from EFI Application from Boot Option' };

describe('boot attempts in PCR 4', () => {
  const again = bootOf([attempt, returned, ...boot]);

  test('are ignored, and the finding names what was', () => {
    const { differing, ignored } = fit(boot, again);
    assert.deepEqual(differing, []);
    assert.deepEqual(
      ignored.map(({ check, severity, pcr, image, detail }) => [check, severity, pcr, image, detail]),
      [
        [
          'image.normalised',
          'info',
          4,
          'golden',
          `PCR 4 differs from base image golden: ignored: ${attempt.data}, ${returned.data}`,
        ],
      ],
    );
  });

  test('count where the rule says so', () =>
    assert.deepEqual(fit(boot, again, { 'boot.attempts-ignored': false }).differing, [4]));

  const attacks: [name: string, events: readonly EventInput[]][] = [
    [
      'a program that was started on the way',
      [
        { pcr: 4, type: 'EV_EFI_BOOT_SERVICES_APPLICATION', data: new Uint8Array(32), measured: 'shell' },
        returned,
        ...boot,
      ],
    ],
    ['a program under the label of an attempt', [{ ...attempt, measured: 'shell' }, ...boot]],
    ['another text', [{ ...attempt, data: 'Calling something else' }, ...boot]],
    [
      'another kernel beside it',
      [attempt, ...bootWith((event) => (event.measured === 'kernel image' ? { ...event, measured: 'other' } : event))],
    ],
  ];
  for (const [name, events] of attacks)
    test(`hide nothing: ${name}`, () => assert.deepEqual(fit(boot, bootOf(events)).differing, [4]));

  test('the same texts in another PCR are no attempts', () => {
    assert.deepEqual(fit(boot, bootOf([...boot, { ...attempt, pcr: 9 }])).differing, [9]);
  });
});

test('what changes from boot to boot in PCR 1, 5 and 6 is no part of an image', () => {
  const others = bootWith((event) => ([1, 5].includes(event.pcr) && event.type !== 'EV_SEPARATOR' ? [] : event));
  assert.deepEqual(fit(boot, bootOf(others)), { differing: [], ignored: [] });
});

test('words of the running system behind the log fit, and are named', () => {
  const made = bootOf();
  const word = digest('sha256', Buffer.from('os-separator'));
  const pcrs = new Map(made.pcrs).set(7, digest('sha256', concat(made.pcrs.get(7)!, word)));
  const { differing, ignored } = fit(boot, { ...made, pcrs });
  assert.deepEqual(differing, []);
  assert.match(ignored[0]?.detail ?? '', /PCR 7 .*only by what the running system measured/);
});

describe('secure-boot.match=keys', () => {
  const owner = '77fa9abd-0359-4d32-bd60-28f4e78f784b';
  const hashes = (...fills: number[]) =>
    encodeSignatureLists([fills.map((fill) => ({ type: 'sha256', owner, data: new Uint8Array(32).fill(fill) }))]);
  const withDbx = (data: Uint8Array) => bootWith((event, i) => (i === 5 ? config('dbx', data) : event));
  const golden = withDbx(hashes(1, 2));
  const keys: BootRules = { 'secure-boot.match': 'keys' };
  const key = Uint8Array.from([0x30, 0x82, 0, 1, 9]);
  const database = encodeSignatureLists([[{ type: 'x509', owner, data: key }]]);

  test('a dbx that grew fits, and only then', () => {
    const updated = bootOf(withDbx(hashes(1, 2, 3)));
    assert.deepEqual(fit(golden, updated).differing, [7], 'exact is the default');
    const { differing, ignored } = fit(golden, updated, keys);
    assert.deepEqual(differing, []);
    assert.match(ignored[0]?.detail ?? '', /PCR 7 .*the same keys; dbx holds 1 entries more/);
  });

  const security = 'd719b2cb-3d3a-4596-a3bc-dad00e67656f';
  const signer: EventInput = {
    pcr: 7,
    type: 'EV_EFI_VARIABLE_AUTHORITY',
    data: encodeVariable(security, 'db', concat(guidBytes(owner), key)),
  };
  const with3 = withDbx(hashes(1, 2, 3));
  const attacks: [name: string, events: readonly EventInput[]][] = [
    ['dbx lost an entry', withDbx(hashes(1, 3))],
    ['dbx is unreadable', withDbx(Uint8Array.of(1, 2, 3))],
    ['another db', with3.map((event, i) => (i === 4 ? config('db', database) : event))],
    ['another PK', with3.map((event, i) => (i === 2 ? config('PK', database) : event))],
    ['another KEK', with3.map((event, i) => (i === 3 ? config('KEK', database) : event))],
    ['Secure Boot off', with3.map((event, i) => (i === 1 ? config('SecureBoot', Uint8Array.of(0)) : event))],
    ['setup mode', [config('SetupMode', Uint8Array.of(1)), ...with3]],
    ['another signer', with3.map((event) => (event === authority ? signer : event))],
    ['a further signer', [...with3, signer]],
    ['dbx twice', [...with3.slice(0, 6), config('dbx', hashes(1, 2)), ...with3.slice(6)]],
    ['debug mode', [{ pcr: 7, type: 'EV_EFI_ACTION', data: 'UEFI Debug Mode' }, ...with3]],
    ['something unexplained', [...with3, { pcr: 7, type: 'EV_EFI_VARIABLE_AUTHORITY', data: 'x', measured: 'y' }]],
  ];
  for (const [name, events] of attacks)
    test(`not: ${name}`, () => assert.deepEqual(fit(golden, bootOf(events), keys).differing, [7]));

  test('an image without Secure Boot is matched exactly whatever the rule says', () => {
    const off = golden.map((event, i) => (i === 1 ? config('SecureBoot', Uint8Array.of(0)) : event));
    const updated = with3.map((event, i) => (i === 1 ? config('SecureBoot', Uint8Array.of(0)) : event));
    assert.deepEqual(fit(off, bootOf(updated), keys).differing, [7]);
  });
});

test('an image whose log leads elsewhere is matched by its values alone', () => {
  const made = bootOf([attempt, ...boot]);
  const log = decodeLog(made.eventLog);
  const proven = { pcrs: made.pcrs, log, facts: provenFacts(log, 'sha256'), rules: {} };
  const image = imageOf('golden', bootOf());
  assert.deepEqual(imageFit(image, proven).differing, []);
  const wrong = { ...image, pcrs: { ...image.pcrs, 4: '00'.repeat(32) } };
  assert.deepEqual(imageFit(wrong, proven).differing, [4]);
  const open: Record<string, string> = { ...image.pcrs };
  delete open[4];
  assert.deepEqual(imageFit({ ...image, pcrs: open }, proven).differing, [4], 'an open PCR fits nothing');
});

test('an image that breaks the rules is told by name', () => {
  const image = imageOf('golden', bootOf());
  assert.deepEqual(imageBreaches(image, {}), []);
  refuseBreaches([image], {});
  assert.throws(
    () => refuseBreaches([image], { 'secure-boot.dbx': true, 'firmware.locality': true }),
    /base image golden breaks rule\.secure-boot\.dbx: dbx is empty \(and 1 more\); change the rule or retire the image/,
  );
  assert.throws(() => refuseBreaches([image], { 'eventlog.quirks': [] }), /breaks quirk\.variable-value-only/);
});
