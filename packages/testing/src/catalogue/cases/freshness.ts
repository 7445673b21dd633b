import { base64url } from '@vouchsafe/bytes/base64url';
import { concat } from '@vouchsafe/bytes/hex';
import { extraData } from '@vouchsafe/domain/attestation/extra-data';
import { buildIma } from '@vouchsafe/eventlog/testing/ima';
import { type CatalogueCase, findings, type Mutation } from '../case.ts';
import { sending } from '../changes.ts';
import type { Parts } from '../parts.ts';

const service = 'packages/testing/src/attestation/attestation-service.test.ts';
const attacks = 'packages/testing/src/attestation/evidence-attacks.test.ts';
const expected = ({ nonce, secret, claims }: Parts) => extraData(nonce, secret, claims);

/** The quote carries something else than it must. */
const carrying = (change: string, what: (honest: Parts) => Uint8Array): Mutation => ({
  change,
  mutate: (honest) => ({ ...honest, frame: { extraData: what(honest) } }),
  expect: findings('quote.extra-data'),
  without: 'quote.extra-data',
});

export const freshnessCases: readonly CatalogueCase[] = [
  {
    id: 'N01',
    what: 'the nonce of another host, of another attestation, or an older one',
    mutations: [
      carrying('another nonce', ({ secret, claims }) => extraData(new Uint8Array(32).fill(9), secret, claims)),
    ],
    tests: [
      { file: attacks, test: 'nonce of another host: an honest TPM answers the challenge of this one' },
      { file: attacks, test: 'replayed quote: what was true once answers a new challenge' },
    ],
  },
  {
    id: 'N02',
    what: 'the same nonce twice, also at two instances',
    mutations: [
      {
        change: 'the challenge was consumed',
        mutate: (honest) => ({ ...honest, consume: () => false }),
        expect: findings('challenge.once'),
        without: 'challenge.once',
      },
    ],
    tests: [
      {
        file: 'packages/testing/src/site/group-site.test.ts',
        test: 'a token of one is good at the other, and both open what either made',
      },
      { file: service, test: 'challenge used twice: of two that race one is attested, and later none' },
      { file: service, test: 'challenge of another instance: refused, and opened when instances share a key' },
    ],
  },
  {
    id: 'N03',
    what: 'an expired nonce, to the second',
    tests: [
      { file: service, test: 'a challenge that is too old, changed or none is refused' },
      { file: service, test: 'challenge used twice in the second in which it ends: still one' },
    ],
  },
  {
    id: 'N04',
    what: 'nonces repeat, also across restarts',
    tests: [
      {
        file: 'packages/testing/src/attestation/nonces.test.ts',
        test: 'nonces have 256 bits, and none comes twice, also after a start of the service',
      },
    ],
  },
  {
    id: 'N05',
    what: 'extraData that is nearly right: one encoding, every byte',
    mutations: [
      carrying('nothing', () => new Uint8Array()),
      carrying('one byte', (honest) => expected(honest).subarray(0, 1)),
      carrying('the last byte is missing', (honest) => expected(honest).subarray(0, -1)),
      carrying('a byte more', (honest) => concat(expected(honest), Uint8Array.of(0))),
      carrying('the nonce itself', ({ nonce }) => nonce),
      carrying(
        'its hexadecimal text',
        (honest) => new Uint8Array(Buffer.from(Buffer.from(expected(honest)).toString('hex'))),
      ),
      carrying('its base64url text', (honest) => new Uint8Array(Buffer.from(base64url(expected(honest))))),
      carrying('one bit is wrong', (honest) => expected(honest).with(31, (expected(honest)[31] ?? 0) ^ 1)),
    ],
  },
  {
    id: 'N06',
    what: 'the keys of somebody else under an honest quote',
    mutations: [
      {
        change: 'the claims of another host',
        mutate: (honest, { other }) => sending(honest, () => ({ claims: base64url(other.parts.claims) })),
        expect: findings('quote.extra-data'),
        without: 'quote.extra-data',
      },
      {
        change: 'a space more in the claims: the octets count, not what they say',
        mutate: (honest) => sending(honest, () => ({ claims: base64url(concat(honest.claims, Uint8Array.of(0x20))) })),
        expect: findings('quote.extra-data'),
        without: 'quote.extra-data',
      },
    ],
    tests: [{ file: attacks, test: 'exchanged claims: the keys of somebody else, under an honest quote' }],
  },
  {
    id: 'N07',
    what: 'the same evidence twice at once',
    tests: [{ file: service, test: 'challenge used twice: of two that race one is attested, and later none' }],
  },
  {
    id: 'N08',
    what: 'one host asks for challenges without end',
    tests: [
      {
        file: 'packages/services/src/attestd/admission.test.ts',
        test: 'a flood from one source displaces itself: who comes from elsewhere finds room, again and again',
      },
      {
        file: 'packages/services/src/attestd/admission.test.ts',
        test: 'however much evidence comes, challenges and strangers have their turn',
      },
    ],
  },
  {
    id: 'N09',
    what: 'evidence waits in a queue until its challenge is too old',
    tests: [
      {
        file: 'packages/testing/src/attestation/attestation-service.test.ts',
        test: 'a challenge that is too old, changed or none is refused',
      },
      {
        file: 'packages/services/src/attestd/admission.test.ts',
        test: 'nobody is sent away for longer than a minute and a little',
      },
    ],
  },
  {
    id: 'N10',
    what: 'logs were read before or after the quote',
    mutations: [
      {
        change: 'the IMA log has an entry more',
        mutate: (honest) => ({
          ...honest,
          imaLog: (log) => concat(log, buildIma(honest.ima.slice(-1))),
        }),
        expect: 'accept',
      },
      {
        change: 'the IMA log is missing',
        mutate: (honest) => ({ ...honest, imaLog: () => new Uint8Array() }),
        expect: findings('ima.replay'),
        without: 'ima.replay',
      },
    ],
    tests: [{ file: attacks, test: 'IMA log that is shortened' }],
  },
];
