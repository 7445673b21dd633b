import type { CatalogueCase } from '../case.ts';

const attacks = 'packages/testing/src/attestation/evidence-attacks.test.ts';
const release = 'packages/services/src/kmxd/release-service.test.ts';
const site = 'packages/testing/src/site/site.test.ts';

export const designCases: readonly CatalogueCase[] = [
  {
    id: 'X1',
    what: 'a genuine TPM of the same maker with the golden log, not enrolled',
    tests: [{ file: attacks, test: 'same CA, golden log, and nobody approved the TPM' }],
  },
  {
    id: 'X2',
    what: 'a revoked host comes back with its other endorsement key',
    tests: [
      {
        file: 'packages/testing/src/attestation/registry.test.ts',
        test: 'revoking a host revokes its TPM: the linked key, and one that nobody ever saw',
      },
      {
        file: 'packages/testing/src/attestation/registry.test.ts',
        test: 'without the check, a revoked TPM comes back by its other key: listed under another name, or enrolled by itself',
      },
    ],
  },
  {
    id: 'X3',
    what: 'a byte of the agent is changed on the disk',
    tests: [
      {
        file: 'packages/testing/src/whole-host-attestation.test.ts',
        test: 'one changed byte in the agent on the root disk: refused for that file and nothing else',
      },
      {
        file: 'packages/domain/src/attestation/checks/ima-files.test.ts',
        test: 'an agent that does not run as the image has it, beside files that are all right',
      },
    ],
  },
  {
    id: 'X4',
    what: 'a Key Provider Service of its own, registered by the workload center',
    tests: [
      {
        file: 'packages/services/src/kmxa/operations/operations.test.ts',
        test: 'a service of another group is refused by every way in, so nobody brings in a Trust Authority of their own',
      },
    ],
  },
  {
    id: 'X5',
    what: 'a VM is moved to a standard provider without the right to leave',
    waits: { step: 5, why: 'there is one kind of provider, and no change of provider yet' },
  },
  {
    id: 'X6',
    what: 'a certificate made by the center asks for the secrets of a member',
    tests: [
      {
        file: 'packages/domain/src/group/member-request.test.ts',
        test: 'is refused, and taken when',
      },
      {
        file: 'packages/domain/src/group/join.test.ts',
        test: 'a relay that exchanges the keys, the name or the group in a request is noticed',
      },
      {
        file: 'packages/domain/src/group/join.test.ts',
        test: 'a relay that answers itself, with its own CA or with a good certificate for its own key, is noticed',
      },
      {
        file: 'packages/domain/src/group/join.test.ts',
        test: 'a secret arrives at the member that it is for, and at no other',
      },
    ],
  },
  {
    id: 'X7',
    what: 'the proxy forges the answer of the Key Provider Service',
    tests: [
      {
        file: 'packages/domain/src/keys/signed-answer.test.ts',
        test: 'an answer of a kmxd of the group to our request is believed',
      },
    ],
  },
  {
    id: 'X8',
    what: 'the name of a key of another provider',
    tests: [
      { file: release, test: 'kid of another provider: a key on the same key server is not used, nor even asked for' },
    ],
  },
  {
    id: 'X9',
    what: 'a host of one cluster, a key of another',
    tests: [{ file: release, test: 'ciphertext of another cluster: refused with share "own", opened with "all"' }],
  },
  {
    id: 'X10',
    what: 'another domain with the copied key safe',
    tests: [
      {
        file: 'packages/services/src/kmxa/vm-keys.test.ts',
        test: 'copied key safe, added CD-ROM: refused with the change, and opens for who does not look at the profile',
      },
      {
        file: 'packages/services/src/kmxa/vm-keys.test.ts',
        test: 'copied key safe in another domain: refused by its UUID',
      },
    ],
  },
  {
    id: 'X11',
    what: 'migration to a host without a certificate for it',
    waits: { step: 5, why: 'certificates for migration are issued in step 3 and asked for in step 5' },
  },
  {
    id: 'X12',
    what: 'administration on the inner port, from a guest',
    tests: [
      {
        file: 'packages/services/src/host/group.test.ts',
        test: 'the channel of members is closed to others: by TLS, and by the signature of each request',
      },
      {
        file: site,
        test: 'administration is not reachable from outside: not through the proxy, not on the service sockets',
      },
    ],
  },
  { id: 'X13', what: 'a forged backup, an old backup', waits: { step: 4, why: 'there is no backup yet' } },
  {
    id: 'X14',
    what: 'a service that did not hear of a revocation; a deletion against an addition',
    tests: [
      {
        file: 'packages/testing/src/site/group-site.test.ts',
        test: 'what was revoked while one was away it denies when it is back, although its own registry approves the host',
      },
      {
        file: 'packages/services/src/host/group.test.ts',
        test: 'what one takes away all obey when they have acknowledged it; approving again anywhere gives it back',
      },
      { file: 'packages/services/src/host/group.test.ts', test: 'writes at all members at once end in one state' },
      {
        file: 'packages/testing/src/attestation/attestation-service.test.ts',
        test: 'a host that another member revoked gets no token and no details, although our own registry approves it',
      },
      {
        file: 'packages/domain/src/group/group-standing.test.ts',
        test: 'of a denial and an approval that did not know of it, the denial wins, whatever the clocks say',
      },
    ],
  },
  {
    id: 'X15',
    what: 'the system disk of a host that was killed',
    tests: [
      {
        file: site,
        test: 'the keys of a running VM are on no disk, in no log, no database, no arguments, no environment',
      },
    ],
  },
  {
    id: 'X16',
    what: 'another process of the host uses its TPM',
    tests: [
      { file: 'packages/services/src/host-setup/host-setup.test.ts', test: 'everybody who may use the TPM is named' },
    ],
  },
  {
    id: 'X17',
    what: 'the body of a proven request is exchanged',
    tests: [{ file: 'packages/services/src/kmxd/release-service.test.ts', test: 'an exchanged body' }],
  },
  {
    id: 'X18',
    what: 'a flood of challenges with the endorsement key of a victim',
    tests: [
      {
        file: 'packages/services/src/attestd/admission.test.ts',
        test: 'a flood from one source displaces itself: who comes from elsewhere finds room, again and again',
      },
      {
        file: 'packages/testing/src/attestation/strangers.test.ts',
        test: 'nothing of what a made-up TPM booted is looked at, however much it tells',
      },
    ],
  },
  {
    id: 'X19',
    what: 'the virtual TPM of a guest as that of a host',
    tests: [
      {
        file: 'packages/testing/src/attestation/registry.test.ts',
        test: 'the virtual TPM of a guest is no host, whoever approves it, as long as its scope allows none',
      },
      { file: attacks, test: 'virtual TPM in a scope that does not allow it' },
    ],
  },
  {
    id: 'X20',
    what: 'a compromised primary key wraps anew and opens nothing',
    waits: { step: 3, why: 'compromised keys' },
  },
];
