import type { CatalogueCase } from '../case.ts';

const service = 'packages/testing/src/attestation/attestation-service.test.ts';
const site = 'packages/testing/src/site/site.test.ts';

export const operationCases: readonly CatalogueCase[] = [
  {
    id: 'O01',
    what: 'every route without a credential',
    tests: [
      {
        file: site,
        test: 'administration is not reachable from outside: not through the proxy, not on the service sockets',
      },
    ],
  },
  {
    id: 'O02',
    what: 'idle and slow connections',
    tests: [
      {
        file: 'packages/services/src/http/body-budget.test.ts',
        test: 'a body that is sent slowly and never ends does not keep others out',
      },
    ],
  },
  {
    id: 'O03',
    what: 'bodies that are bombs, prototypes, numbers as text',
    tests: [
      { file: 'packages/domain/src/parse.test.ts', test: 'JSON is read as JSON.parse reads it' },
      {
        file: 'packages/services/src/http/server.test.ts',
        test: 'a body of unknown length ends where it exceeds what was granted',
      },
      {
        file: 'packages/services/src/http/server.test.ts',
        test: 'a request that is not admitted is answered before its body is read, and others may send what they were granted',
      },
    ],
  },
  {
    id: 'O04',
    what: 'a crash between verdict and record',
    tests: [{ file: service, test: 'without a record there is no token' }],
  },
  {
    id: 'O05',
    what: 'two instances whose clocks differ',
    tests: [
      {
        file: 'packages/testing/src/attestation/attestation-service.test.ts',
        test: 'two instances whose clocks differ by half a minute judge alike, and each accepts the tokens of the other',
      },
      {
        file: 'packages/testing/src/attestation/attestation-service.test.ts',
        test: 'two instances whose clocks differ by half a minute judge alike, and each accepts the tokens of the other',
      },
      {
        file: 'packages/domain/src/group/group-standing.test.ts',
        test: 'a host that is approved again gets a token at once, also from a member whose clock is behind',
      },
      {
        file: 'packages/domain/src/group/member-request.test.ts',
        test: 'a request of a member is taken, once, and clocks may differ by a minute',
      },
    ],
  },
  {
    id: 'O06',
    what: 'old agents and old stores after an update',
    tests: [
      {
        file: 'packages/domain/src/attestation/image-record.test.ts',
        test: 'a bare image that an older version stored counts',
      },
    ],
  },
  {
    id: 'O07',
    what: 'a refusal, then silence, then another service',
    tests: [
      {
        file: 'packages/services/src/kmxa/attestation-schedule.test.ts',
        test: 'a host that is refused comes when the service says, not sooner',
      },
    ],
  },
  {
    id: 'O08',
    what: 'agent restarted, host renamed, TPM cleared or exchanged',
    tests: [
      {
        file: 'packages/testing/src/attestation/registry.test.ts',
        test: 'a TPM is replaced: name and scope stay, the old one is refused from then on',
      },
      {
        file: 'packages/cli/src/registry/registry.test.ts',
        test: 'a host is renamed, moved, gets a new TPM, and is listed',
      },
    ],
  },
  {
    id: 'O09',
    what: 'five thousand hosts boot at once',
    tests: [
      {
        file: 'packages/services/src/attestd/admission.test.ts',
        test: 'who is sent away is told a time, each a later one, in the pace at which others are done',
      },
      {
        file: 'packages/services/src/kmxa/attestation-schedule.test.ts',
        test: 'a request is repeated while the service is busy and the patience lasts',
      },
    ],
  },
  {
    id: 'O10',
    what: 'a TPM that is slow or busy',
    tests: [{ file: 'packages/tpm2/src/tpm.test.ts', test: 'a command is sent again while the TPM asks for it' }],
  },
  {
    id: 'O11',
    what: 'records are removed, changed, reordered',
    waits: {
      step: 6,
      why: '`vouchsafe audit verify` finds changed and reordered records; a cut tail shows when heads are exchanged',
    },
  },
  { id: 'O12', what: 'a service is restored from an old backup', waits: { step: 4, why: 'there is no backup yet' } },
  {
    id: 'O13',
    what: 'a host hands its challenge on to an honest one',
    tests: [
      {
        file: 'packages/testing/src/attestation/evidence-attacks.test.ts',
        test: 'nonce of another host: an honest TPM answers the challenge of this one',
      },
    ],
  },
  {
    id: 'O14',
    what: 'an administrator adds what should not be trusted',
    waits: { step: 6, why: 'two persons and a transparency log come later; every change is in the audit' },
  },
];
