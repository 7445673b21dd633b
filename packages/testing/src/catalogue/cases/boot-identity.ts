import type { BootRecord } from '@vouchsafe/domain/attestation/boot-record';
import { bootRecordOf } from '@vouchsafe/domain/attestation/boot-record';
import { type CatalogueCase, findings, type Mutation } from '../case.ts';
import type { Parts } from '../parts.ts';

const clockInfo = { clock: 3_600_000n, resetCount: 7, restartCount: 0, safe: true };
type Clock = typeof clockInfo;

const recorded = (honest: Parts, last: Partial<Clock>): BootRecord =>
  bootRecordOf(honest.signer.publicArea, { clockInfo: { ...clockInfo, ...last } });

/** What the last quote said, and what this one says. */
const from = (
  change: string,
  last: Partial<Clock>,
  now: Partial<Clock>,
  expect: Mutation['expect'] = 'accept',
): Mutation => ({
  change,
  mutate: (honest) => ({ ...honest, lastBoot: recorded(honest, last), frame: { clockInfo: { ...clockInfo, ...now } } }),
  expect,
  ...(expect === 'accept' ? {} : { without: 'tpm.clock' }),
});

const refused = findings('tpm.clock');
const anotherBoot = findings('tpm.boot-identity');

export const bootIdentityCases: readonly CatalogueCase[] = [
  {
    id: 'T01',
    what: 'the clock goes back within a boot',
    mutations: [from('by a millisecond', {}, { clock: 3_599_999n }, refused), from('not at all', {}, {})],
  },
  {
    id: 'T02',
    what: 'a new boot',
    mutations: [from('resetCount is one more, the clock goes on', {}, { resetCount: 8, clock: 3_700_000n })],
  },
  {
    id: 'T03',
    what: 'resetCount is lower under the same key',
    mutations: [from('by one', {}, { resetCount: 6 }, anotherBoot)],
  },
  {
    id: 'T04',
    what: 'a resume',
    mutations: [from('restartCount is one more', {}, { restartCount: 1, clock: 3_700_000n })],
  },
  {
    id: 'T05',
    what: 'a reset after resumes: restartCount begins again',
    mutations: [from('restartCount from 5 to 0', { restartCount: 5 }, { resetCount: 8, clock: 3_700_000n })],
  },
  {
    id: 'T06',
    what: 'power was lost: the clock may repeat',
    mutations: [
      from('safe is NO after the reset, the clock is 70 minutes back', {}, { resetCount: 8, clock: 0n, safe: false }),
      from('safe was NO before and still is', { safe: false }, { clock: 0n, safe: false }),
    ],
  },
  {
    id: 'T07',
    what: 'the TPM was reset under a running system, and the golden boot was replayed into it',
    mutations: [
      {
        change: 'the rule asks for a start from locality 3, which the system cannot do',
        mutate: (honest) => ({ ...honest, policy: { ...honest.policy, rules: { 'firmware.locality': true } } }),
        expect: findings('rule.firmware.locality'),
        without: 'boot.rules',
      },
    ],
  },
  {
    id: 'T08',
    what: 'the firmware of the TPM changed',
    tests: [
      {
        file: 'packages/testing/src/attestation/firmware.test.ts',
        test: 'firmware that changed since is told, and looked at anew',
      },
      {
        file: 'packages/testing/src/attestation/firmware.test.ts',
        test: 'firmware on the blocklist is refused, with what to do; without the check it passes',
      },
    ],
  },
  {
    id: 'T09',
    what: 'an old copy of the state of a virtual TPM',
    mutations: [
      from('clock and resetCount are lower', { resetCount: 9 }, { resetCount: 7 }, anotherBoot),
      from('started from the copy as often as before', {}, { clock: 0n, safe: false }, refused),
      from('restartCount is lower without a reset', { restartCount: 2 }, { restartCount: 1 }, anotherBoot),
    ],
  },
  {
    id: 'T10',
    what: 'the largest numbers: nothing is lost between 64 bits and a double',
    mutations: [
      from('a millisecond back near 2^64', { clock: 2n ** 64n - 1n }, { clock: 2n ** 64n - 2n }, refused),
      from('a millisecond on near 2^64', { clock: 2n ** 64n - 2n }, { clock: 2n ** 64n - 1n }),
      from('resetCount 2^32-1', { resetCount: 2 ** 32 - 2 }, { resetCount: 2 ** 32 - 1 }),
    ],
  },
];
