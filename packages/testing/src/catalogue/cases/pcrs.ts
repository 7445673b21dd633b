import { encode } from '@vouchsafe/bytes/codec';
import { concat } from '@vouchsafe/bytes/hex';
import { captureImage } from '@vouchsafe/domain/attestation/capture';
import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import { quotedPcrs } from '@vouchsafe/domain/attestation/policy';
import { buildLog } from '@vouchsafe/eventlog/testing/build';
import { TpmsQuoteInfo } from '@vouchsafe/tpm2/attest';
import { quoteDigest } from '@vouchsafe/tpm2/quote-digest';
import { type CatalogueCase, findings, type Mutation, problem } from '../case.ts';
import { sending } from '../changes.ts';
import { measuredPcrs } from '../compose.ts';
import type { Parts, Pcrs } from '../parts.ts';

const selecting = (pcrSelect: readonly number[]): Parts['selection'] => [{ hash: 'sha256', pcrSelect: [...pcrSelect] }];
const without = (...left: number[]) => quotedPcrs.filter((pcr) => !left.includes(pcr));

/** A quote whose body is written by hand: what no encoder writes. */
const body = (parts: Parts, selection: (honest: Uint8Array) => Uint8Array): Parts => ({
  ...parts,
  frame: {
    attested: (() => {
      const pcrs = measuredPcrs(buildLog(parts.events, parts.banks), new Uint8Array());
      const pcrSelect = [...parts.selection];
      const whole = encode(TpmsQuoteInfo, { pcrSelect, pcrDigest: quoteDigest(pcrSelect, { sha256: pcrs }, 'sha256') });
      return selection(whole);
    })(),
  },
});

/** TPML_PCR_SELECTION with one bank: count, hash, sizeofSelect, three bytes; then the digest. */
const handmade = (change: string, selections: readonly number[][], count = selections.length): Mutation => ({
  change,
  mutate: (honest) =>
    body(honest, (whole) =>
      concat(Uint8Array.of(0, 0, 0, count), ...selections.map((each) => Uint8Array.from(each)), whole.subarray(10)),
    ),
  expect: findings('quote.type'),
});
const sha256 = [0x00, 0x0b] as const;

const value = (change: string, of: (honest: string) => string): Mutation => ({
  change,
  mutate: (honest) => sending(honest, ({ pcrs }) => ({ pcrs: { ...pcrs, 4: of(String(pcrs['4'])) } })),
  expect: problem('input.invalid'),
});

const changedPcr = (pcrs: Pcrs, pcr: number, fill: number): Pcrs =>
  new Map(pcrs).set(pcr, new Uint8Array(32).fill(fill));

/** A boot in which the firmware measured nothing: the bank was left empty. */
function emptyBank(honest: Parts): Parts {
  const eventLog = buildLog([], ['sha256']);
  const pcrs = measuredPcrs(eventLog, new Uint8Array());
  const image = captureImage({ name: 'empty', version: '1', eventLog, pcrs, now: new Date(honest.now * 1000) });
  return { ...honest, events: [], banks: ['sha256'], policy: { ...honest.policy, images: [activeRecord(image)] } };
}

export const pcrCases: readonly CatalogueCase[] = [
  {
    id: 'P01',
    what: 'a quote over no PCR',
    mutations: [
      {
        change: 'no PCR of the bank',
        mutate: (honest) => ({ ...honest, selection: selecting([]) }),
        expect: findings('quote.selection'),
      },
      { change: 'no bank', mutate: (honest) => ({ ...honest, selection: [] }), expect: findings('quote.selection') },
    ],
  },
  {
    id: 'P02',
    what: 'a required PCR is not in the quote, its value is sent beside it',
    mutations: [
      {
        change: 'PCR 5',
        mutate: (honest) => ({ ...honest, selection: selecting(without(5)) }),
        expect: findings('quote.selection'),
        without: 'quote.selection',
      },
      {
        change: 'PCR 4',
        mutate: (honest) => ({ ...honest, selection: selecting(without(4)) }),
        expect: findings('quote.selection'),
      },
    ],
  },
  {
    id: 'P03',
    what: 'values of PCRs that the quote does not cover: never evaluated',
    mutations: [
      {
        change: 'PCR 16 beside the quoted ones',
        mutate: (honest) => sending(honest, ({ pcrs }) => ({ pcrs: { ...pcrs, 16: '11'.repeat(32) } })),
        expect: 'accept',
      },
    ],
  },
  {
    id: 'P04',
    what: 'a quote over a PCR that anybody may reset, shown as others',
    mutations: [
      {
        change: 'PCR 23 alone',
        mutate: (honest) => ({ ...honest, selection: selecting([23]) }),
        expect: findings('quote.selection'),
      },
      {
        change: 'PCR 23 in the place of 10',
        mutate: (honest) => ({ ...honest, selection: selecting([...without(10), 23]) }),
        expect: findings('quote.selection'),
      },
      {
        change: 'PCR 23 in the place of 0',
        mutate: (honest) => ({ ...honest, selection: selecting([...without(0), 23]) }),
        expect: findings('quote.selection'),
      },
    ],
  },
  {
    id: 'P05',
    what: 'the value of PCR 16 at the place of PCR 8',
    mutations: [
      {
        change: '{0-7, 9-14, 16} is quoted',
        mutate: (honest) => ({ ...honest, selection: selecting([...without(8), 16]) }),
        expect: findings('quote.selection'),
      },
    ],
  },
  {
    id: 'P06',
    what: 'a bank stands twice in the selection',
    mutations: [
      handmade('twice the same', [
        [...sha256, 3, 0xff, 0x7f, 0],
        [...sha256, 3, 0xff, 0x7f, 0],
      ]),
      handmade('split in two', [
        [...sha256, 3, 0xff, 0, 0],
        [...sha256, 3, 0, 0x7f, 0],
      ]),
    ],
  },
  {
    id: 'P07',
    what: 'selections of odd size, and of PCRs that no TPM has',
    mutations: [
      ...[0, 1, 2].map((size) => handmade(`sizeofSelect ${size}`, [[...sha256, size, ...[0xff, 0x7f].slice(0, size)]])),
      handmade('sizeofSelect 255', [[...sha256, 255, ...Array<number>(255).fill(0xff)]]),
      handmade('PCR 24', [[...sha256, 4, 0xff, 0x7f, 0, 1]]),
      {
        ...handmade('sizeofSelect 4, as some TPMs write it', [[...sha256, 4, 0xff, 0x7f, 0, 0]]),
        expect: 'accept',
        mutate: (honest) =>
          body({ ...honest, ima: [] }, (whole) =>
            concat(Uint8Array.of(0, 0, 0, 1, ...sha256, 4, 0xff, 0x7f, 0, 0), whole.subarray(10)),
          ),
      },
    ],
  },
  {
    id: 'P08',
    what: 'the digest is over the values in another order than the quote’s own',
    mutations: [
      {
        change: 'values in falling order',
        mutate: (honest) => body(honest, (whole) => concat(whole.subarray(0, 12), reversedDigest(honest))),
        expect: findings('quote.digest'),
        without: 'quote.digest',
      },
    ],
  },
  {
    id: 'P09',
    what: 'a quote of the SHA-1 bank where SHA-256 is required',
    mutations: [
      {
        change: 'the SHA-1 bank',
        mutate: (honest) => ({ ...honest, selection: [{ hash: 'sha1', pcrSelect: [...quotedPcrs] }] }),
        expect: findings('quote.selection'),
      },
      {
        change: 'no SHA-256 bank at all',
        mutate: (honest) => ({ ...honest, request: { ...honest.request, banks: ['sha1'] } }),
        expect: problem('input.invalid'),
      },
    ],
  },
  {
    id: 'P10',
    what: 'the SHA-256 bank was left empty by the firmware',
    mutations: [
      {
        change: 'a golden log beside an empty bank',
        mutate: (honest) => ({
          ...honest,
          ima: [],
          pcrs: (measured) => new Map([...measured].map(([pcr]) => [pcr, new Uint8Array(32)])),
        }),
        expect: findings('eventlog.replay'),
      },
      {
        change: 'an image was captured from the empty bank',
        mutate: emptyBank,
        expect: findings('eventlog.boot'),
        without: 'eventlog.boot',
      },
    ],
    tests: [
      {
        file: 'packages/testing/src/attestation/evidence-attacks.test.ts',
        test: 'empty bank: an image was captured from it, and the host fills in the rest',
      },
    ],
  },
  {
    id: 'P11',
    what: 'a bank is active that the log does not know, or the log has one that is not quoted',
    mutations: [
      {
        change: 'the log has a SHA-1 bank that is not quoted: noted, and nothing is taken from it',
        mutate: (honest) => honest,
        expect: 'accept',
      },
      {
        change: 'a quote over the SHA-1 bank as well, of which no values were sent',
        mutate: (honest) => ({
          ...honest,
          selection: [...honest.selection, { hash: 'sha1', pcrSelect: [...quotedPcrs] }],
        }),
        expect: findings('quote.digest'),
      },
      {
        change: 'the log knows only a bank that is not quoted',
        mutate: (honest) => ({ ...honest, log: () => buildLog(honest.events, ['sha1']) }),
        expect: findings('eventlog.replay'),
      },
    ],
    tests: [
      {
        file: 'packages/testing/src/attestation/banks.test.ts',
        test: 'the golden log in a bank that the firmware left empty: the bank that it did measure into tells',
      },
      { file: 'packages/testing/src/attestation/banks.test.ts', test: 'an empty bank that the log has digests for' },
      {
        file: 'packages/testing/src/attestation/banks.test.ts',
        test: 'a bank that only the TPM has, and one that only the log has: noted, or refused where the settings say so',
      },
      { file: 'packages/testing/src/attestation/banks.test.ts', test: 'by reference the other banks are compared too' },
    ],
  },
  {
    id: 'P12',
    what: 'a PCR value of the wrong form',
    mutations: [
      value('a digit less', (text) => text.slice(1)),
      value('20 bytes', (text) => text.slice(0, 40)),
      value('capitals', (text) => text.replace(/[a-f]/, (digit) => digit.toUpperCase())),
      value('0x before it', (text) => `0x${text}`),
      value('nothing', () => ''),
      {
        change: 'a PCR of that name does not exist',
        mutate: (honest) => sending(honest, ({ pcrs }) => ({ pcrs: { ...pcrs, 24: '00'.repeat(32) } })),
        expect: problem('input.invalid'),
      },
    ],
  },
  {
    id: 'P13',
    what: 'the digest was made with another hash than that of the key’s scheme',
    mutations: [
      {
        change: 'SHA-384',
        mutate: (honest) => ({ ...honest, pcrHash: 'sha384' }),
        expect: findings('quote.digest'),
        without: 'quote.digest',
      },
      {
        change: 'SHA-1',
        mutate: (honest) => ({ ...honest, pcrHash: 'sha1' }),
        expect: findings('quote.digest'),
        without: 'quote.digest',
      },
    ],
  },
  {
    id: 'P14',
    what: 'a PCR that the log does not extend is zero, and only then',
    mutations: [
      {
        change: 'PCR 13 was extended, the log is silent',
        mutate: (honest) => ({ ...honest, pcrs: (measured) => changedPcr(measured, 13, 1) }),
        expect: findings('eventlog.replay'),
      },
      {
        change: 'PCR 6 was extended, the log is silent',
        mutate: (honest) => ({ ...honest, pcrs: (measured) => changedPcr(measured, 6, 1) }),
        expect: findings('eventlog.replay'),
        without: ['eventlog.replay', 'ima.boot-aggregate'],
      },
      {
        change: 'PCR 8 is zero, the log extends it',
        mutate: (honest) => ({ ...honest, pcrs: (measured) => changedPcr(measured, 8, 0) }),
        expect: findings('eventlog.replay'),
      },
    ],
  },
  {
    id: 'P15',
    what: 'an image rests on PCRs that anybody may reset',
    tests: [{ file: 'packages/domain/src/attestation/capture.test.ts', test: 'fixes nothing' }],
  },
];

function reversedDigest(honest: Parts): Uint8Array {
  const measured = measuredPcrs(buildLog(honest.events, honest.banks), new Uint8Array());
  const turned = new Map(
    [...quotedPcrs].map((pcr, i) => [pcr, measured.get(quotedPcrs.at(-1 - i) ?? 0) ?? new Uint8Array(32)]),
  );
  return quoteDigest(selecting(quotedPcrs), { sha256: turned }, 'sha256');
}
