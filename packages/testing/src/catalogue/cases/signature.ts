import { concat, fromHex } from '@vouchsafe/bytes/hex';
import { type BootRecord, bootRecordOf } from '@vouchsafe/domain/attestation/boot-record';
import { curves } from '@vouchsafe/tpm2/algorithms';
import { nameOf, qualifiedNameOf } from '@vouchsafe/tpm2/name';
import { decodeSignature, encodeSignature } from '@vouchsafe/tpm2/signature';
import { type CatalogueCase, findings, type Mutation } from '../case.ts';
import { otherStructures, sending, sendingBytes, signing, withAk } from '../changes.ts';
import { eccAk, type RS, rsaAk, worthless } from '../keys.ts';
import type { Parts } from '../parts.ts';

const refused = findings('quote.signature');
const order = fromHex(curves.nistP256.order.toString(16));
const big = (value: Uint8Array) => BigInt(`0x${Buffer.from(value).toString('hex')}`);

const numbers = (change: string, what: (rs: RS) => RS): Mutation => ({
  change,
  mutate: (honest) => withAk(honest, eccAk('nistP256', 'sha256', { change: what })),
  expect: refused,
});

/** A signature whose first number begins with a zero byte, by signing with new keys until one does. */
const shortNumber: Mutation = {
  change: 'r without its leading zero byte, as some TPMs send it',
  mutate: (honest) =>
    withAk(
      honest,
      eccAk('nistP256', 'sha256', {
        change: ({ r, s }) => ({
          r: r.subarray(r.findIndex((byte) => byte !== 0)),
          s: s.subarray(s.findIndex((byte) => byte !== 0)),
        }),
      }),
    ),
  expect: 'accept',
};

/** TPM 2.0 Part 1, 16, for a primary key under TPM_RH_ENDORSEMENT. */
const underEndorsement = ({ signer }: Parts): Uint8Array =>
  qualifiedNameOf(Uint8Array.of(0x40, 0, 0, 0x0b), nameOf(signer.publicArea));

const endorsed = (honest: Parts): BootRecord =>
  bootRecordOf(honest.signer.publicArea, {
    clockInfo: { clock: 1n, resetCount: 7, restartCount: 0, safe: true },
    qualifiedSigner: underEndorsement(honest),
  });

export const signatureCases: readonly CatalogueCase[] = [
  {
    id: 'S01',
    what: 'the magic is not TPM_GENERATED_VALUE, and the signature holds',
    mutations: [
      {
        change: 'magic 0x12345678',
        mutate: (honest) => ({ ...honest, frame: { magic: 0x12345678 } }),
        expect: findings('quote.magic'),
        without: 'quote.magic',
      },
    ],
    tests: [
      {
        file: 'packages/testing/src/attestation/evidence-attacks.test.ts',
        test: 'forged magic: an attestation key is made to sign data from outside',
      },
    ],
  },
  {
    id: 'S02',
    what: 'another structure of the TPM in the place of a quote',
    mutations: otherStructures.map(([name, type]) => ({
      change: `type ${name}`,
      mutate: (honest) => ({ ...honest, frame: { type } }),
      expect: findings('quote.type'),
      without: 'quote.type',
    })),
    tests: [
      {
        file: 'packages/testing/src/attestation/evidence-attacks.test.ts',
        test: 'another structure in the place of a quote',
      },
    ],
  },
  {
    id: 'S03',
    what: 'bytes behind the structure, bytes missing, lengths and counts larger than it',
    mutations: [
      ['a byte more', (quote: Uint8Array) => concat(quote, Uint8Array.of(0)), 'quote.type'],
      ['a byte less', (quote: Uint8Array) => quote.subarray(0, -1), 'quote.type'],
      [
        'the size of qualifiedSigner is 65535',
        (quote: Uint8Array) => patched(quote, 6, [0xff, 0xff]),
        'quote.signature',
      ],
      [
        '4294967295 banks are selected',
        (quote: Uint8Array) => patched(quote, countAt(quote), [255, 255, 255, 255]),
        'quote.type',
      ],
      ['nothing', () => new Uint8Array(), 'quote.signature'],
    ].map(([change, attest, check]) => ({
      change: change as string,
      mutate: (honest) => ({ ...honest, attest: attest as (quote: Uint8Array) => Uint8Array }),
      expect: findings(check as string),
    })),
  },
  {
    id: 'S04',
    what: 'another attestation key signed',
    mutations: [
      {
        change: 'the key of another approved host',
        mutate: (honest, { other }) => signing(honest, (data) => other.tpm.ak.sign(data)),
        expect: refused,
        without: 'quote.signature',
      },
      {
        change: 'a key outside any TPM',
        mutate: (honest) => signing(honest, eccAk().sign),
        expect: refused,
        without: 'quote.signature',
      },
    ],
    tests: [
      {
        file: 'packages/testing/src/attestation/evidence-attacks.test.ts',
        test: 'other AK: the AK of an honest host signs for another',
      },
    ],
  },
  {
    id: 'S05',
    what: 'algorithm or hash of the signature are not those of the key',
    mutations: [
      {
        change: 'RSASSA of another key under an ECDSA key',
        mutate: (honest) => signing(honest, rsaAk().sign),
        expect: refused,
        without: 'quote.signature',
      },
      {
        change: 'RSAPSS where the key says RSASSA',
        mutate: (honest) => withAk(honest, rsaAk({ scheme: 'rsassa', signs: 'rsapss' })),
        expect: refused,
        without: 'quote.signature',
      },
      {
        change: 'a hash other than the key’s is named',
        mutate: (honest) =>
          signing(honest, (data, { sign }) => {
            const signature = decodeSignature(sign(data));
            if (signature.sigAlg !== 'ecdsa') throw new TypeError('ecdsa expected');
            return encodeSignature({ ...signature, signature: { ...signature.signature, hash: 'sha384' } });
          }),
        expect: refused,
        without: 'quote.signature',
      },
      {
        change: 'a key that signs with SHA-1',
        mutate: (honest) => withAk(honest, eccAk('nistP256', 'sha1')),
        expect: findings('ak.attributes'),
      },
      {
        change: 'no signature algorithm at all',
        mutate: (honest) => signing(honest, worthless.null),
        expect: refused,
        without: 'quote.signature',
      },
      {
        change: 'an RSA key with RSAPSS',
        mutate: (honest) => withAk(honest, rsaAk({ scheme: 'rsapss' })),
        expect: 'accept',
      },
    ],
  },
  {
    id: 'S06',
    what: 'numbers of an ECDSA signature outside 1 to n-1, odd lengths, points off the curve',
    mutations: [
      numbers('r is 0', ({ s }) => ({ r: new Uint8Array(32), s })),
      numbers('s is 0', ({ r }) => ({ r, s: new Uint8Array(32) })),
      numbers('r is n', ({ s }) => ({ r: order, s })),
      numbers('s is n', ({ r }) => ({ r, s: order })),
      numbers('r is larger by n', ({ r, s }) => ({
        r: fromHex((big(r) + big(order)).toString(16).padStart(66, '0')),
        s,
      })),
      numbers('r has a byte more', ({ r, s }) => ({ r: concat(Uint8Array.of(1), r), s })),
      numbers('r is empty', ({ s }) => ({ r: new Uint8Array(), s })),
      shortNumber,
      {
        change: 'P-384 with SHA-384',
        mutate: (honest) => withAk({ ...honest, pcrHash: 'sha384' }, eccAk('nistP384', 'sha384')),
        expect: 'accept',
      },
      {
        change: 'P-521 with SHA-256: numbers of 66 bytes',
        mutate: (honest) => withAk(honest, eccAk('nistP521')),
        expect: 'accept',
      },
      {
        change: 'the public point is not on its curve',
        mutate: (honest) =>
          withAk(
            honest,
            eccAk('nistP256', 'sha256', {
              area: { unique: { x: new Uint8Array(32).fill(1), y: new Uint8Array(32).fill(1) } },
            }),
          ),
        expect: refused,
        without: ['quote.signature', 'ek.weak'],
      },
    ],
  },
  {
    id: 'S07',
    what: 'RSA keys for which signatures can be forged',
    mutations: [
      {
        change: 'exponent 3',
        mutate: (honest) => withAk(honest, rsaAk({ exponent: 3 })),
        expect: refused,
        without: ['quote.signature', 'ek.weak'],
      },
      {
        change: 'a modulus of 1024 bits',
        mutate: (honest) => withAk(honest, rsaAk({ bits: 1024 })),
        expect: refused,
        without: ['quote.signature', 'ek.weak'],
      },
    ],
    tests: [{ file: 'packages/tpm2/src/public-key.test.ts', test: 'keys that nobody may rely on are refused' }],
  },
  {
    id: 'S08',
    what: 'an HMAC in the place of a signature',
    mutations: [
      {
        change: 'TPM_ALG_HMAC',
        mutate: (honest) => signing(honest, worthless.hmac),
        expect: refused,
        without: 'quote.signature',
      },
    ],
  },
  {
    id: 'S09',
    what: 'the qualified signer is not the Name of the key under its hierarchy',
    mutations: [
      {
        change: 'a primary key of the endorsement hierarchy before, and elsewhere now',
        mutate: (honest) => ({ ...honest, lastBoot: endorsed(honest) }),
        expect: findings('ak.hierarchy'),
        without: 'ak.hierarchy',
      },
      {
        change: 'still a primary key of the endorsement hierarchy',
        mutate: (honest) => ({
          ...honest,
          lastBoot: endorsed(honest),
          frame: { qualifiedSigner: underEndorsement(honest) },
        }),
        expect: 'accept',
      },
      {
        change: 'never one: its place is recorded, and compared with itself only',
        mutate: (honest) => ({ ...honest, lastBoot: { ...endorsed(honest), plain: false } }),
        expect: 'accept',
      },
    ],
  },
  {
    id: 'S10',
    what: 'the signature is missing: nothing that throws may end as a pass',
    mutations: [
      {
        change: 'an empty signature',
        mutate: (honest) => signing(honest, () => new Uint8Array()),
        expect: refused,
        without: 'quote.signature',
      },
      {
        change: 'a signature of zeros',
        mutate: (honest) => signing(honest, () => new Uint8Array(72)),
        expect: refused,
        without: 'quote.signature',
      },
      {
        change: 'no field for it',
        mutate: (honest) => sending(honest, () => ({ signature: undefined as unknown as string })),
        expect: { problem: 'input.invalid' },
      },
    ],
    tests: [
      {
        file: 'packages/testing/src/attestation/evidence-attacks.test.ts',
        test: 'no checks, missing facts, a check that throws: each is a refusal',
      },
    ],
  },
  {
    id: 'S11',
    what: 'the structure with the size of a TPM2B before it: one form only is accepted',
    mutations: [
      { change: 'on the wire', mutate: (honest) => sendingBytes(honest, 'attest', prefixed), expect: refused },
      { change: 'and signed so', mutate: (honest) => ({ ...honest, attest: prefixed }), expect: refused },
    ],
  },
];

const prefixed = (quote: Uint8Array) => concat(Uint8Array.of(quote.length >> 8, quote.length & 0xff), quote);

function patched(quote: Uint8Array, at: number, bytes: readonly number[]): Uint8Array {
  const changed = quote.slice();
  changed.set(bytes, at);
  return changed;
}

/** Where TPML_PCR_SELECTION begins: behind magic, type, qualifiedSigner, extraData, clockInfo and firmwareVersion. */
function countAt(quote: Uint8Array): number {
  const view = new DataView(quote.buffer, quote.byteOffset);
  const signer = 6 + 2 + view.getUint16(6);
  const data = signer + 2 + view.getUint16(signer);
  return data + 17 + 8;
}
