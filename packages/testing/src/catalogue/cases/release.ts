import { type CatalogueCase, findings, type Mutation } from '../case.ts';
import type { Parts } from '../parts.ts';

/** The host names another release key under its quote. */
const naming = (honest: Parts, enc: object): Parts => {
  const claims = JSON.parse(new TextDecoder().decode(honest.claims));
  return { ...honest, claims: new TextEncoder().encode(JSON.stringify({ ...claims, enc })) };
};
const coordinate = (fill: number) => Buffer.alloc(32, fill).toString('base64url');

const weakKeys: readonly Mutation[] = [
  {
    change: 'a point off the curve',
    mutate: (honest) => naming(honest, { kty: 'EC', crv: 'P-256', x: coordinate(1), y: coordinate(1) }),
    expect: findings('claims.keys'),
    without: 'claims.keys',
  },
  {
    change: 'zeros',
    mutate: (honest) => naming(honest, { kty: 'EC', crv: 'P-256', x: coordinate(0), y: coordinate(0) }),
    expect: findings('claims.keys'),
    without: 'claims.keys',
  },
  {
    change: 'X25519, zeros',
    mutate: (honest) => naming(honest, { kty: 'OKP', crv: 'X25519', x: coordinate(0) }),
    expect: findings('quote.extra-data'),
  },
  {
    change: 'RSA with 1024 bits',
    mutate: (honest) => naming(honest, { kty: 'RSA', n: Buffer.alloc(128, 0xff).toString('base64url'), e: 'AQAB' }),
    expect: findings('quote.extra-data'),
  },
];

const release = 'packages/services/src/kmxd/release-service.test.ts';
const states = 'packages/services/src/kmxd/primary-keys.test.ts';
const site = 'packages/testing/src/site/site.test.ts';

export const releaseCases: readonly CatalogueCase[] = [
  {
    id: 'R01',
    what: 'a good token, and another recipient than the quote names',
    tests: [
      {
        file: release,
        test: 'an answer is sealed to the key in the token: whoever carries the token elsewhere cannot open it',
      },
    ],
  },
  { id: 'R02', what: 'a recipient key that is weak or none', mutations: weakKeys },
  {
    id: 'R03',
    what: 'what was sealed for one host is opened by another, or its header is changed',
    tests: [
      {
        file: 'packages/domain/src/keys/signed-answer.test.ts',
        test: 'a released key opens for the host that it is sealed to, and for no other',
      },
      {
        file: 'packages/domain/src/keys/signed-answer.test.ts',
        test: 'no changed header or text of a sealed key opens',
      },
    ],
  },
  {
    id: 'R04',
    what: 'keys of other providers and clusters; foreign and missing keys are told apart',
    tests: [
      { file: release, test: 'unknown provider, foreign key and damaged text are told by the same words' },
      { file: release, test: 'kid of another provider: a key on the same key server is not used, nor even asked for' },
    ],
  },
  {
    id: 'R05',
    what: 'states and dates of KMIP objects',
    tests: [
      {
        file: release,
        test: 'a primary key that is not active opens and does not wrap; its state is asked for again and again',
      },
      {
        file: release,
        test: 'a compromised primary key opens nothing, and is only left by wrapping anew; or not even that',
      },
      { file: states, test: 'a key that one of two servers calls' },
    ],
  },
  {
    id: 'R06',
    what: 'key servers that are down, slow, half, exchanged',
    tests: [
      { file: states, test: 'with no server answering keys serve for their time to live, and not a second longer' },
      { file: states, test: 'what a server said before it fell silent goes on counting' },
    ],
  },
  {
    id: 'R07',
    what: 'keys in logs, dumps, texts, swap',
    tests: [
      {
        file: site,
        test: 'the keys of a running VM are on no disk, in no log, no database, no arguments, no environment',
      },
      { file: site, test: 'a core dump of the agent holds no key' },
    ],
  },
  {
    id: 'R08',
    what: 'one host asks for ten thousand keys',
    tests: [
      { file: release, test: 'ten thousand keys for one host' },
      { file: release, test: 'a host that asks for more keys than it may is sent away for a while' },
    ],
  },
  {
    id: 'R09',
    what: 'the primary key is rotated in the middle of a release',
    tests: [
      {
        file: 'packages/services/src/kmxd/rotations.test.ts',
        test: 'nobody wraps with a key that one member cannot open with; that one is named, and it goes on by itself',
      },
      {
        file: 'packages/testing/src/site/provider-site.test.ts',
        test: 'kmxd killed again and again in the middle of rotations: no key that was given out is lost',
      },
    ],
  },
  {
    id: 'R10',
    what: 'a revocation arrives during a release',
    tests: [
      {
        file: release,
        test: 'a revocation that arrives while the key server takes its time comes before the release, and the records show it',
      },
    ],
  },
  { id: 'R11', what: 'two persons for one key', waits: { step: 6, why: 'there is no approval by two persons yet' } },
  {
    id: 'R12',
    what: 'keys that are kept on the host for a day without the service',
    waits: { step: 6, why: 'keys are kept in memory only; persistence under the TPM is not built' },
  },
  {
    id: 'R13',
    what: 'secrets in a URL or in a cache',
    tests: [
      {
        file: 'packages/testing/src/site/site.test.ts',
        test: 'the keys of a running VM are on no disk, in no log, no database, no arguments, no environment',
      },
    ],
  },
];
