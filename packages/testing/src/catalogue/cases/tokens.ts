import type { CatalogueCase } from '../case.ts';

const token = 'packages/domain/src/attestation/token.test.ts';
const release = 'packages/services/src/kmxd/release-service.test.ts';

export const tokenCases: readonly CatalogueCase[] = [
  {
    id: 'J01',
    what: 'alg none, HS256 with a public key, keys on the word of the header',
    tests: [
      { file: 'packages/services/src/kmxd/release-service.test.ts', test: 'opens nothing' },
      { file: token, test: 'RFC 8725, 3.1: no algorithm but ES256, and no key on the word of the header' },
    ],
  },
  {
    id: 'J02',
    what: 'expired, from the future, without end, for others, of others',
    tests: [
      { file: 'packages/services/src/kmxd/release-service.test.ts', test: 'opens nothing' },
      { file: token, test: 'clocks may differ by 30 s and no more' },
      { file: token, test: 'a token without a claim, or with a value that it cannot have, is refused' },
    ],
  },
  {
    id: 'J03',
    what: 'the token of another host',
    tests: [
      {
        file: release,
        test: 'an answer is sealed to the key in the token: whoever carries the token elsewhere cannot open it',
      },
    ],
  },
  {
    id: 'J04',
    what: 'a token for a policy or a host that was revoked since',
    tests: [
      { file: release, test: 'a denied host gets nothing, in the same second; nor does a token of an epoch before' },
      {
        file: 'packages/testing/src/site/group-site.test.ts',
        test: 'what is revoked at one is refused by the other at once, with a token it was given before, and by its attestd too',
      },
    ],
  },
  {
    id: 'J05',
    what: 'signing keys come and go, unknown ones come in floods',
    tests: [
      { file: 'packages/services/src/kmxd/release-service.test.ts', test: 'opens nothing' },
      { file: token, test: 'a certificate that is expired or not yet valid signs nothing' },
    ],
  },
  {
    id: 'J06',
    what: 'results of an appraisal that contradict themselves',
    tests: [{ file: 'packages/services/src/kmxd/release-service.test.ts', test: 'opens nothing' }],
  },
  {
    id: 'J07',
    what: 'SAML: wrapped signatures, and all that XML can do',
    tests: [
      {
        file: 'packages/domain/src/attestation/saml/verify-assertion.test.ts',
        test: 'a naive reader takes it, this one does not',
      },
      {
        file: 'packages/domain/src/attestation/saml/verify-assertion.test.ts',
        test: 'comments, document types, entities, CDATA and instructions are refused before anything is read',
      },
      {
        file: 'packages/domain/src/attestation/saml/verify-assertion.test.ts',
        test: 'no other algorithm for signature, digest, canonicalisation or transformation',
      },
      {
        file: 'packages/domain/src/attestation/saml/verify-assertion.test.ts',
        test: 'two assertions, each signed: a document is one assertion',
      },
      {
        file: 'packages/services/src/kmxd/release-service.test.ts',
        test: 'a SAML assertion of the same attestation opens nothing: keys are released for tokens only',
      },
    ],
  },
  {
    id: 'J08',
    what: 'JSON: doubled keys, huge numbers, depth',
    tests: [{ file: 'packages/services/src/kmxd/release-service.test.ts', test: 'opens nothing' }],
  },
  {
    id: 'J09',
    what: 'the token of another group or cluster',
    tests: [
      { file: 'packages/services/src/kmxd/release-service.test.ts', test: 'a token for another group' },
      { file: release, test: 'ciphertext of another cluster: refused with share "own", opened with "all"' },
    ],
  },
  {
    id: 'J10',
    what: 'an attestation with warnings: the provider decides',
    tests: [
      {
        file: release,
        test: 'a host whose userspace nobody measured, or that nobody approved, gets a key only where the provider says so',
      },
    ],
  },
];
