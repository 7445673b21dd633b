import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PolicyDocument, policyDigest } from './policy-digest.ts';

const documents: PolicyDocument[] = [
  { collection: 'base-images', name: 'a', body: { name: 'a', pcrs: { 0: '00', 7: '11' } } },
  { collection: 'tpm2/settings', name: 'settings', body: { enrolment: 'approve' } },
];

test('the digest of a policy is that of its documents, whatever their order and that of their members', () => {
  const other = [documents[1]!, { ...documents[0]!, body: { pcrs: { 7: '11', 0: '00' }, name: 'a' } }];
  assert.equal(policyDigest({ documents }), policyDigest({ documents: other }));
  assert.match(policyDigest({}), /^[\w-]{43}$/);
});

test('whatever changes in a document changes the digest', () => {
  const changes: PolicyDocument[][] = [
    [],
    [documents[0]!],
    [{ ...documents[0]!, name: 'b' }, documents[1]!],
    [{ ...documents[0]!, collection: 'x' }, documents[1]!],
    [documents[0]!, { ...documents[1]!, body: { enrolment: 'auto' } }],
    [...documents, { collection: 'base-images', name: 'b', body: null }],
  ];
  const digests = [documents, ...changes].map((each) => policyDigest({ documents: each }));
  assert.equal(new Set(digests).size, digests.length);
});
