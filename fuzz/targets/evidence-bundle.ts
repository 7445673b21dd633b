import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { unpackBundle } from '@vouchsafe/domain/attestation/bundle/bundle-file';
import { inputOf } from '@vouchsafe/domain/attestation/bundle/evidence-bundle';
import { replayBundle } from '@vouchsafe/domain/attestation/bundle/replay-bundle';
import { verifyBundle } from '@vouchsafe/domain/attestation/bundle/verify-bundle';
import { attestationChecks } from '@vouchsafe/domain/attestation/checks/table';
import type { AttestationPolicy } from '@vouchsafe/domain/attestation/policy';
import { groupOf } from '@vouchsafe/domain/group/group';
import { policyOfDocuments } from '@vouchsafe/services/attestd/policy-of-documents';
import { problemsOf } from '../problems.ts';
import { jsonWords, type MakeTargets, type Target } from '../target.ts';

const folder = resolve(import.meta.dirname, '../../packages/testing/src/testdata/bundles');
const sample = (name: string) => readFileSync(resolve(folder, name));

/** An unpacked bundle as bytes, so that mutations reach what lies inside the gzip. */
export const make: MakeTargets = (): Target[] => {
  const group = groupOf(sample('group-ca.pem').toString());
  const files = ['trusted.evidence', 'another-kernel.evidence', 'another-signature.evidence'].map(sample);
  const refuses = problemsOf('input.malformed', 'input.invalid', 'input.too-large', 'bundle.invalid');
  const texts = files.map((file) => new Uint8Array(gunzipSync(file)));
  return [
    {
      name: 'bundle-file',
      samples: files,
      run: (bytes) => unpackBundle(bytes, 1024 * 1024),
      refuses,
    },
    {
      name: 'bundle',
      samples: texts,
      words: jsonWords,
      // What a mutant must not become: another bundle that verifies.
      run: async (bytes) => {
        const bundle = unpackBundle(gzipSync(bytes), 1024 * 1024);
        inputOf(bundle.content, {} as AttestationPolicy);
        const verified = await verifyBundle(bundle, group);
        const { differences } = replayBundle(
          verified,
          policyOfDocuments(bundle.policy ?? [], group),
          attestationChecks,
        );
        if (differences.some(({ check }) => check === 'bundle.differs'))
          throw new Error('a mutant was judged otherwise');
      },
      refuses,
    },
  ];
};
