import { concat } from '@vouchsafe/bytes/hex';
import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import { algorithms } from '@vouchsafe/eventlog/algorithms';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { authority, boot, bootWith, certificate, config } from '@vouchsafe/eventlog/testing/boot';
import {
  buildLog,
  buildSha1Log,
  buildSpecId,
  type EventInput,
  startupLocality,
} from '@vouchsafe/eventlog/testing/build';
import { guidBytes } from '@vouchsafe/eventlog/uefi/guid';
import { encodeSignatureLists } from '@vouchsafe/eventlog/uefi/signature-list';
import { decodeVariable, encodeVariable } from '@vouchsafe/eventlog/uefi/variable';
import { type CatalogueCase, findings, type Mutation } from '../case.ts';
import { imageOf } from '../honest.ts';

const replayed = findings('eventlog.replay');

/** The host tells another log than that of its boot. */
const telling = (
  change: string,
  log: (honest: Uint8Array) => Uint8Array,
  expect: Mutation['expect'] = replayed,
): Mutation => ({
  change,
  mutate: (honest) => ({ ...honest, log }),
  expect,
});

/** The host booted so, and an image was captured from such a boot. */
const booting = (
  change: string,
  events: readonly EventInput[],
  expect: Mutation['expect'],
  without?: Mutation['without'],
): Mutation => ({
  change,
  mutate: (honest) => ({
    ...honest,
    events,
    policy: { ...honest.policy, images: [activeRecord(imageOf('golden', events))] },
  }),
  expect,
  ...(without === undefined ? {} : { without }),
});

/** The told log is that of other events. */
const retold = (events: readonly EventInput[]) => () => buildLog(events, ['sha1', 'sha256']);

/** Flips a bit of the SHA-256 digest of each event in turn. */
const everyDigest: readonly Mutation[] = boot.flatMap((event, i) =>
  telling(`digest of event ${i + 1}, ${event.type}`, (log) => flippedDigest(log, i + 1)),
);

function flippedDigest(log: Uint8Array, index: number): Uint8Array {
  const changed = log.slice();
  const event = decodeLog(log).events[index];
  const digest = event?.digests.sha256;
  if (event === undefined || digest === undefined) throw new TypeError(`no event ${index}`);
  const at = Buffer.from(log.buffer, log.byteOffset, log.length).indexOf(Buffer.from(digest), event.offset);
  changed[at] = (changed[at] ?? 0) ^ 0x80;
  return changed;
}

const swapped = <T>(list: readonly T[], a: number, b: number): T[] =>
  list.map((each, i) => (i === a ? list[b]! : i === b ? list[a]! : each));
const dropped = <T>(list: readonly T[], at: number): T[] => list.filter((_, i) => i !== at);
const inserted = <T>(list: readonly T[], at: number, one: T): T[] => [...list.slice(0, at), one, ...list.slice(at)];
const separatorOf = (pcr: number, data: Uint8Array): EventInput => ({ pcr, type: 'EV_SEPARATOR', data });
const withSeparator = (pcr: number, data: Uint8Array): EventInput[] =>
  boot.map((event) => (event.pcr === pcr && event.type === 'EV_SEPARATOR' ? separatorOf(pcr, data) : event));

const locality = (value: number, pcr = 0): EventInput => ({ pcr, type: 'EV_NO_ACTION', data: startupLocality(value) });
const head = (
  sizes: Parameters<typeof buildSpecId>[1],
  banks: Parameters<typeof buildSpecId>[0] = ['sha1', 'sha256'],
) => buildSha1Log([{ pcr: 0, type: 'EV_NO_ACTION', data: buildSpecId(banks, sizes) }]);

/** Replaces the header of the log. */
const withHead = (header: Uint8Array) => (log: Uint8Array) =>
  concat(header, log.subarray(decodeLog(log).events[1]?.offset ?? 0));

/** Writes 32 bits, little-endian, at the size of an event's data: the last four bytes before them. */
function withDataSize(log: Uint8Array, index: number, size: number): Uint8Array {
  const changed = log.slice();
  const { events } = decodeLog(log);
  const event = events[index];
  if (event === undefined) throw new TypeError(`no event ${index}`);
  const end = events[index + 1]?.offset ?? log.length;
  new DataView(changed.buffer).setUint32(end - event.data.length - 4, size, true);
  return changed;
}

const inconsistent = findings('rule.secure-boot.consistent');
const isVariable = ({ pcr, data }: EventInput, name: string) =>
  pcr === 7 &&
  typeof data !== 'string' &&
  Buffer.from(data).includes(Buffer.from(`${name}`, 'utf16le')) &&
  decodeVariable(data).name === name;
const owner = '77fa9abd-0359-4d32-bd60-28f4e78f784b';
/** EFI_IMAGE_SECURITY_DATABASE. */
const security = 'd719b2cb-3d3a-4596-a3bc-dad00e67656f';
const strangerAuthority: EventInput = {
  ...authority,
  data: encodeVariable(security, 'db', concat(guidBytes(owner), Uint8Array.of(0x30, 1, 2))),
};
const revoked = encodeSignatureLists([[{ type: 'x509', owner, data: certificate }]]);
/** EFI_GLOBAL_VARIABLE. */
const globalVariables = '8be4df61-93ca-11d2-aa0d-00e098032b8c';
/** Firmware Profile 1.06, 10.4.4. */
const returned: EventInput = { pcr: 4, type: 'EV_EFI_ACTION', data: 'Returning from EFI Application from Boot Option' };
const late: EventInput = {
  pcr: 4,
  type: 'EV_EFI_BOOT_SERVICES_APPLICATION',
  data: new Uint8Array(32),
  measured: 'a loader of the golden boot',
};

/** What is different from boot to boot, and must not refuse a host. */
const volatile: readonly Mutation[] = [
  {
    change: 'another boot order',
    mutate: (honest) => ({
      ...honest,
      events: boot.map((event) =>
        event.type === 'EV_EFI_VARIABLE_BOOT'
          ? {
              ...event,
              data: encodeVariable(globalVariables, 'BootOrder', Uint8Array.of(0, 0, 1, 0)),
              measured: Uint8Array.of(0, 0, 1, 0),
            }
          : event,
      ),
    }),
    expect: 'accept',
  },
  {
    change: 'another partition table',
    mutate: (honest) => ({
      ...honest,
      events: [...boot, { pcr: 5, type: 'EV_EFI_GPT_EVENT', data: new Uint8Array(100).fill(7) }],
    }),
    expect: 'accept',
  },
  {
    change: 'the firmware tried another boot option first',
    mutate: (honest) => ({
      ...honest,
      events: boot.flatMap((event) =>
        event.type === 'EV_EFI_ACTION' && event.pcr === 4 ? [event, returned, event] : [event],
      ),
    }),
    expect: 'accept',
  },
];

export const eventLogCases: readonly CatalogueCase[] = [
  {
    id: 'L01',
    what: 'a changed, reordered, dropped or doubled event',
    mutations: [
      ...everyDigest,
      telling('two events of PCR 7 change places', retold(swapped(boot, 1, 2))),
      telling('an event is dropped', retold(dropped(boot, 3))),
      telling('an event comes twice', retold(inserted(boot, 3, boot[3]!))),
      telling(
        'an event is moved to another PCR',
        retold(boot.map((event, i) => (i === 0 ? { ...event, pcr: 2 } : event))),
      ),
      {
        change: 'the log of another boot',
        mutate: (honest) => ({ ...honest, log: retold(dropped(boot, boot.length - 3)) }),
        expect: replayed,
        without: 'eventlog.replay',
      },
    ],
  },
  {
    id: 'L02',
    what: 'the type of an event is a label: relabelled events',
    tests: [
      {
        file: 'packages/eventlog/src/proven.test.ts',
        test: 'hiding a separator behind another label does not move the border',
      },
      { file: 'packages/eventlog/src/proven.test.ts', test: 'an authority cannot be hidden behind another label' },
      {
        file: 'packages/eventlog/src/proven.test.ts',
        test: 'an event that is turned into EV_NO_ACTION is missed by the replay',
      },
      {
        file: 'packages/testing/src/catalogue/labels.test.ts',
        test: 'no label of an event, whatever it says, makes a fact or hides one',
      },
    ],
  },
  {
    id: 'L03',
    what: 'descriptions of what is measured by its own digest',
    tests: [
      {
        file: 'packages/testing/src/catalogue/labels.test.ts',
        test: 'no data of an event, whatever they say, make a fact or hide one',
      },
      {
        file: 'packages/eventlog/src/proven.test.ts',
        test: 'an image cannot be hidden behind another label or other data',
      },
    ],
  },
  {
    id: 'L04',
    what: 'EV_NO_ACTION with a digest, or extended',
    mutations: [
      {
        change: 'the TPM was extended with it',
        mutate: (honest) => ({
          ...honest,
          log: retold(boot.map((event, i) => (i === 3 ? { ...event, type: 'EV_NO_ACTION' as const } : event))),
        }),
        expect: replayed,
      },
    ],
    tests: [
      {
        file: 'packages/eventlog/src/replay.test.ts',
        test: 'EV_NO_ACTION is never extended, whatever its digest says',
      },
      { file: 'packages/eventlog/src/proven.test.ts', test: 'a digest of an event that was not extended is reported' },
    ],
  },
  {
    id: 'L05',
    what: 'StartupLocality: twice, late, in another PCR, with an unknown value, missing',
    mutations: [
      booting('locality 3', [locality(3), ...boot], 'accept'),
      booting('locality 0', [locality(0), ...boot], 'accept'),
      {
        change: 'the image is of a start from locality 3; the same events are replayed from locality 0',
        mutate: (honest) => {
          const images = [activeRecord(imageOf('golden', [locality(3), ...boot]))];
          return { ...honest, policy: { ...honest.policy, images } };
        },
        expect: findings('image.match'),
        without: 'image.match',
      },
      telling('3 is told, the TPM started at 0', retold([locality(3), ...boot])),
      telling('twice', retold([locality(0), locality(0), ...boot])),
      telling('behind the first event of PCR 0', retold(inserted(boot, 1, locality(0)))),
      telling('in PCR 1', retold([locality(0, 1), ...boot])),
      telling('the value 1', retold([locality(1), ...boot])),
      {
        change: 'missing, and needed',
        mutate: (honest) => ({ ...honest, events: [locality(3), ...boot], log: retold(boot) }),
        expect: replayed,
      },
    ],
  },
  {
    id: 'L06',
    what: 'an H-CRTM measured before the start: PCR 0 begins with 4',
    mutations: [
      booting(
        'EV_EFI_HCRTM_EVENT and locality 4',
        [locality(4), { pcr: 0, type: 'EV_EFI_HCRTM_EVENT', data: 'HCRTM' }, ...boot],
        'accept',
      ),
      booting('EV_EFI_HCRTM_EVENT alone', [{ pcr: 0, type: 'EV_EFI_HCRTM_EVENT', data: 'HCRTM' }, ...boot], 'accept'),
    ],
  },
  {
    id: 'L07',
    what: 'separators: of zeros, of ones, of an error, missing, repeated, and what only looks like one',
    mutations: [
      booting('ones', withSeparator(4, new Uint8Array(4).fill(0xff)), 'accept'),
      booting(
        'an error in PCR 4',
        withSeparator(4, Uint8Array.of(1, 0, 0, 0)),
        findings('eventlog.boot'),
        'eventlog.boot',
      ),
      booting(
        'an error in PCR 4 whose text says otherwise',
        boot.map((event) =>
          event.pcr === 4 && event.type === 'EV_SEPARATOR'
            ? { ...event, data: new Uint8Array(4), measured: Uint8Array.of(1, 0, 0, 0) }
            : event,
        ),
        findings('eventlog.boot', 'eventlog.data-mismatch'),
        ['eventlog.boot', 'eventlog.facts'],
      ),
      booting(
        'missing in PCR 4',
        boot.filter(({ pcr, type }) => !(pcr === 4 && type === 'EV_SEPARATOR')),
        findings('eventlog.boot'),
        'eventlog.boot',
      ),
      booting(
        'the hash of other data under the label of a separator',
        boot.map((event) =>
          event.pcr === 4 && event.type === 'EV_SEPARATOR' ? { ...event, measured: 'no separator' } : event,
        ),
        findings('eventlog.boot', 'eventlog.data-mismatch'),
        ['eventlog.boot', 'eventlog.facts'],
      ),
    ],
    tests: [
      { file: 'packages/eventlog/src/proven.test.ts', test: 'a further separator is reported' },
      {
        file: 'packages/eventlog/src/proven.test.ts',
        test: 'SecureBoot measured behind the separator, by whatever runs later, is no fact',
      },
    ],
  },
  {
    id: 'L08',
    what: 'ExitBootServices without success, missing, and events behind it',
    mutations: [
      {
        change: 'an application behind ExitBootServices',
        mutate: (honest) => ({ ...honest, events: [...boot, late] }),
        expect: findings('image.match'),
        without: 'image.match',
      },
    ],
    tests: [],
  },
  {
    id: 'L09',
    what: 'root extends PCRs after the boot and appends events that look like the loader’s',
    mutations: [8, 9, 12, 14].map((pcr) => ({
      change: `PCR ${pcr}`,
      mutate: (honest) => ({
        ...honest,
        events: [
          ...boot,
          {
            pcr,
            type: 'EV_IPL' as const,
            data: 'kernel_cmdline: lockdown=confidentiality',
            measured: 'lockdown=confidentiality',
          },
        ],
      }),
      expect: findings('image.match'),
      without: 'image.match',
    })),
  },
  {
    id: 'L10',
    what: 'the header of the log: missing, not first, wrong sizes, doubled and unknown algorithms',
    mutations: [
      telling('no header', (log) => log.subarray(decodeLog(log).events[1]?.offset)),
      telling(
        'SHA-256 digests of 20 bytes are declared',
        withHead(head([{ algorithmId: algorithms.sha256.id, digestSize: 20 }], ['sha1'])),
      ),
      telling('an algorithm twice', withHead(head([{ algorithmId: algorithms.sha256.id, digestSize: 32 }]))),
      telling('no algorithm', withHead(head([], []))),
      {
        change: 'an algorithm that nobody knows beside SHA-256: its digests are skipped by their size',
        mutate: (honest) => ({ ...honest, log: () => buildLog(boot, ['sha256'], { id: 0x7777, size: 24 }) }),
        expect: 'accept',
      },
    ],
  },
  {
    id: 'L11',
    what: 'an event larger than the log, a cut last event, fill behind it',
    mutations: [
      telling('an event of 4294967295 bytes', (log) => withDataSize(log, 5, 0xffff_ffff)),
      telling('the last event is cut', (log) => log.subarray(0, -1)),
      telling('64 KiB of zeros behind it', (log) => concat(log, new Uint8Array(65_536)), 'accept'),
      telling('64 KiB of ones behind it', (log) => concat(log, new Uint8Array(65_536).fill(0xff)), 'accept'),
      telling('a few other bytes behind it', (log) => concat(log, Uint8Array.of(1, 2, 3))),
    ],
  },
  {
    id: 'L12',
    what: 'signature lists whose sizes do not add up',
    tests: [
      {
        file: 'packages/eventlog/src/uefi/uefi.test.ts',
        test: 'signature lists whose sizes contradict each other are refused',
      },
    ],
  },
  {
    id: 'L13',
    what: 'variables, texts and device paths whose lengths do not add up',
    tests: [
      {
        file: 'packages/eventlog/src/uefi/uefi.test.ts',
        test: 'lengths of a variable that no memory holds are refused',
      },
      {
        file: 'packages/eventlog/src/uefi/uefi.test.ts',
        test: 'device paths without end are refused: length 0, too many nodes, bytes behind the end',
      },
    ],
  },
  {
    id: 'L14',
    what: 'firmware that is known to be odd: accepted by a quirk that has a name',
    tests: [
      {
        file: 'packages/eventlog/src/corpus.test.ts',
        test: 'every log of a real machine decodes and replays, or is refused for a reason',
      },
    ],
  },
  {
    id: 'L15',
    what: 'a log of more than 16 MiB, or of a million events',
    tests: [
      { file: 'packages/eventlog/src/log.test.ts', test: 'limits: whole log, number of events, one event' },
      { file: 'packages/eventlog/src/log.test.ts', test: 'a million small events stop at the limit' },
    ],
  },
  { id: 'L16', what: 'boot order, partitions and boot attempts differ from boot to boot', mutations: volatile },
  {
    id: 'L17',
    what: 'files and menu entries that look like a command line',
    tests: [
      { file: 'packages/eventlog/src/proven.test.ts', test: 'GRUB: the text is proven, and its prefix is not' },
      {
        file: 'packages/eventlog/src/boot-facts.test.ts',
        test: 'a relabelled command line of GRUB is still one, and an unexplained event of PCR 12 is none that can be read',
      },
    ],
  },
  {
    id: 'L18',
    what: 'Secure Boot is said to be on, and other facts of PCR 7 speak against it',
    mutations: [
      booting(
        'what verified the loader is not in db',
        bootWith((event) => (event === authority ? strangerAuthority : event)),
        inconsistent,
        'boot.rules',
      ),
      booting(
        'nothing verified the loader',
        bootWith((event) => (event === authority ? [] : event)),
        inconsistent,
        'boot.rules',
      ),
      booting(
        'the firmware is in setup mode',
        bootWith((event) =>
          event.pcr === 7 && event.type === 'EV_SEPARATOR' ? [config('SetupMode', Uint8Array.of(1)), event] : event,
        ),
        inconsistent,
        'boot.rules',
      ),
      booting(
        'what verified the loader is in dbx',
        bootWith((event) => (isVariable(event, 'dbx') ? config('dbx', revoked) : event)),
        inconsistent,
        'boot.rules',
      ),
      {
        change: 'Secure Boot is off where the rule asks for it',
        mutate: (honest) => {
          const events = bootWith((event) =>
            isVariable(event, 'SecureBoot') ? config('SecureBoot', Uint8Array.of(0)) : event,
          );
          const images = [activeRecord(imageOf('golden', events))];
          return { ...honest, events, policy: { ...honest.policy, images, rules: { 'secure-boot.required': true } } };
        },
        expect: findings('rule.secure-boot.required'),
        without: 'boot.rules',
      },
    ],
    tests: [
      {
        file: 'packages/domain/src/attestation/boot-rules/rules.test.ts',
        test: 'every rule has a row here, or is asked elsewhere',
      },
      {
        file: 'packages/domain/src/attestation/minimums.test.ts',
        test: 'a dbx that stands twice, or behind the separator, proves nothing',
      },
    ],
  },
  {
    id: 'L19',
    what: 'a log of runtime measurement registers (CCEL) in the place of a TPM’s',
    mutations: [
      // Registers are counted from 1: RTMR[0] stands for PCR 1 and 7 (UEFI 2.10, 38.4.1), so its events move.
      telling('every event one register further', retold(boot.map((event) => ({ ...event, pcr: event.pcr + 1 })))),
    ],
  },
  {
    id: 'L20',
    what: 'the log has another bank than the quote',
    mutations: [
      telling('SHA-1 only', () => buildLog(boot, ['sha1'])),
      telling('the SHA-1 form', () => buildSha1Log(boot)),
    ],
  },
];
