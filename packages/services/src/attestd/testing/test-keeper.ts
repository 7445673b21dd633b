import { join } from 'node:path';
import { Appraisal, type AppraisalInput, type Appraised } from '@vouchsafe/domain/attestation/appraisal';
import type { AttestationPolicy } from '@vouchsafe/domain/attestation/policy';
import { fail } from '@vouchsafe/domain/attestation/verdict';
import { verdictRecord } from '@vouchsafe/domain/attestation/verdict-record';
import { type Certified, type TestGroup, testGroup, testTime } from '@vouchsafe/domain/testing/group';
import type { AttestationConfiguration } from '../configuration.ts';
import { EvidenceArchive } from '../evidence-archive.ts';
import { EvidenceKeeper, type GivenVerdict } from '../evidence-keeper.ts';

/** A keeper of evidence over a folder, in a group of its own unless one is given. */
export async function testKeeper(
  folder: string,
  configuration: AttestationConfiguration,
  of?: { readonly group: TestGroup['group']; readonly caPem: string; readonly signer: Certified },
): Promise<EvidenceKeeper & { readonly why: string[] }> {
  const why: string[] = [];
  const { group, caPem, signer } = of ?? (await own());
  const keeper = new EvidenceKeeper({
    archive: EvidenceArchive.open(join(folder, 'evidence')),
    settings: () => configuration.evidence(),
    signer: () => signer,
    instance: 'urn:vouchsafe:attestd:test',
    group: group.id,
    caPem,
    lost: (reason) => why.push(reason),
  });
  return Object.assign(keeper, { why });
}

async function own() {
  const { group, authority, inRole } = await testGroup();
  return { group, caPem: authority.certificatePem, signer: await inRole('attestd') };
}

/** A refusal as the service gives it to the keeper; `change` replaces what is judged. */
export function givenVerdict(policy: AttestationPolicy, change: Partial<AppraisalInput> = {}): GivenVerdict & Settable {
  const input: AppraisalInput = {
    challenge: {
      nonce: bytes(1),
      secret: bytes(2),
      ek: 'ab'.repeat(32),
      ekPublic: bytes(3),
      ak: bytes(4),
      bank: 'sha256',
      pcrs: [0],
      epoch: policy.epoch,
      exp: 100,
      jti: 'challenge-1',
    },
    evidence: {
      claims: bytes(5),
      attest: bytes(6),
      signature: bytes(7),
      pcrs: new Map(),
      eventLog: bytes(8),
      imaLog: undefined,
      ekCertificate: undefined,
      intermediates: [],
    },
    policy,
    host: undefined,
    lastBoot: undefined,
    now: testTime,
    consume: () => true,
    ...change,
  };
  const appraisal = new Appraisal(input);
  const appraised = {
    trusted: false,
    findings: [fail('quote.signature', 'no')],
    appraisal,
    ofLog: new Map(),
    wantsLogs: false,
  };
  return { appraised, record: verdictRecord(input), consumed: undefined };
}

interface Settable {
  appraised: Appraised;
}

const bytes = (fill: number) => new Uint8Array(32).fill(fill);
