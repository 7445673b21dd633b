import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TpmsAttestFrame } from '@vouchsafe/tpm2/attest';
import { nameOf, qualifiedNameOf } from '@vouchsafe/tpm2/name';
import { softwareKey } from '@vouchsafe/tpm2/testing/software-key';
import { Appraisal, type AppraisalInput } from '../appraisal.ts';
import { type BootRecord, bootRecordOf } from '../boot-record.ts';
import { clock } from './clock.ts';

const [ak, second] = [softwareKey('ecc').publicArea, softwareKey('rsa').publicArea];
const same = { clock: 2n ** 53n + 1n, resetCount: 7, restartCount: 2, safe: true };
type Clock = typeof same;

const signerIn = (hierarchy: number, key: Uint8Array) =>
  qualifiedNameOf(Uint8Array.of(0x40, 0, 0, hierarchy), nameOf(key));
const [endorsement, owner] = [0x0b, 0x01];
const kernel = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;

interface Said {
  readonly clock?: Partial<Clock>;
  readonly ak?: Uint8Array;
  readonly hierarchy?: number;
  readonly bootId?: string;
}

const quoted = ({ clock: change = {}, ak: key = ak, hierarchy = endorsement }: Said) =>
  ({ clockInfo: { ...same, ...change }, qualifiedSigner: signerIn(hierarchy, key), firmwareVersion: 1n }) as const;

const recordOf = (said: Said): BootRecord => bootRecordOf(said.ak ?? ak, quoted(said), { bootId: said.bootId });

/** What the check finds when a TPM said one thing last time and another one now. */
function found(last: Said | BootRecord | undefined, now: Said, settings: object = {}): string[] {
  const lastBoot = last === undefined || 'resetCount' in last ? last : recordOf(last);
  const input = { challenge: { ak: now.ak ?? ak }, lastBoot, policy: { settings } };
  const appraisal = new Appraisal(input as unknown as AppraisalInput);
  appraisal.prove('attest', quoted(now) as unknown as TpmsAttestFrame);
  appraisal.prove('claims', { boot_id: now.bootId } as never);
  return clock.run(appraisal).map(({ check, severity }) => `${severity} ${check}`);
}

const unsafe = 'info tpm.clock-unsafe';
const cases: [name: string, last: Partial<Clock>, now: Partial<Clock>, expect: string[]][] = [
  ['nothing went on', {}, {}, []],
  ['the clock went on', {}, { clock: 2n ** 64n - 1n }, []],
  ['the clock went back by one, beyond what a Number holds', {}, { clock: 2n ** 53n }, ['fail tpm.clock']],
  ['it went back, and now power was lost without a reset', {}, { clock: 0n, safe: false }, [unsafe, 'fail tpm.clock']],
  ['it went back, power was lost before', { safe: false }, { clock: 0n }, ['fail tpm.clock']],
  ['it went back where nothing is claimed', { safe: false }, { clock: 0n, safe: false }, [unsafe]],
  ['another start, and the clock went back', {}, { clock: 0n, resetCount: 8, restartCount: 0 }, []],
  ['another start after a loss of power', {}, { clock: 0n, resetCount: 8, restartCount: 0, safe: false }, [unsafe]],
  ['resumed, and the clock went back', {}, { clock: 0n, restartCount: 3 }, ['info tpm.resumed']],
  ['resumed less often than before', {}, { restartCount: 1 }, ['fail tpm.boot-identity']],
  ['fewer starts', {}, { resetCount: 6 }, ['fail tpm.boot-identity']],
  ['fewer starts, resumed more often', {}, { resetCount: 6, restartCount: 9 }, ['fail tpm.boot-identity']],
  ['fewer starts after a loss of power', {}, { resetCount: 6, safe: false }, [unsafe, 'fail tpm.boot-identity']],
  ['cleared by its owner', {}, { resetCount: 0, restartCount: 0, clock: 0n }, ['fail tpm.boot-identity']],
  ['as often as 32 bits hold', { resetCount: 2 ** 32 - 2 }, { resetCount: 2 ** 32 - 1 }, []],
];
for (const [name, last, now, expect] of cases) {
  test(`${name}: ${expect.join(', ') || 'accepted'}`, () =>
    assert.deepEqual(found({ clock: last }, { clock: now }), expect));
}

test('the first quote of a TPM is compared with nothing', () => {
  assert.deepEqual(found(undefined, { clock: { resetCount: 0, clock: 0n } }), []);
});

describe('another attestation key', () => {
  test('that shows the counters as they are: compared, since a key is quickly made', () => {
    assert.deepEqual(found({}, { ak: second, clock: { clock: 2n ** 60n } }), ['info tpm.new-ak']);
    assert.deepEqual(found({}, { ak: second, clock: { resetCount: 6 } }), [
      'info tpm.new-ak',
      'fail tpm.boot-identity',
    ]);
    assert.deepEqual(found({}, { ak: second, clock: { clock: 0n } }), ['info tpm.new-ak', 'fail tpm.clock']);
  });

  test('that hides them, after one that showed them: refused', () => {
    const hidden = { ak: second, hierarchy: owner };
    assert.deepEqual(found({}, { ...hidden, clock: { resetCount: 2 ** 31 } }), ['fail tpm.new-ak']);
  });

  test('beside one that hid them too: told, and not compared', () => {
    const hidden = { ak: second, hierarchy: owner };
    assert.deepEqual(found({ hierarchy: owner }, { ...hidden, clock: { resetCount: 0, clock: 0n } }), [
      'warn tpm.new-ak',
    ]);
    const { plain: _plain, ...old } = recordOf({});
    assert.deepEqual(found(old, { ak: second, clock: { resetCount: 0 } }), ['warn tpm.new-ak']);
  });

  test('a key that hides them is compared with itself', () => {
    assert.deepEqual(found({ hierarchy: owner }, { hierarchy: owner, clock: { resetCount: 6 } }), [
      'fail tpm.boot-identity',
    ]);
  });
});

describe('the word of the kernel', () => {
  const cases: [name: string, last: Said, now: Said, expect: string[]][] = [
    ['same boot', { bootId: kernel(1) }, { bootId: kernel(1) }, []],
    ['another boot', { bootId: kernel(1) }, { bootId: kernel(2), clock: { resetCount: 8, restartCount: 0 } }, []],
    [
      'the TPM was reset, the kernel was not',
      { bootId: kernel(1) },
      { bootId: kernel(1), clock: { resetCount: 8, restartCount: 0 } },
      ['warn tpm.reset-under-kernel'],
    ],
    ['the kernel was started anew', { bootId: kernel(1) }, { bootId: kernel(2) }, ['warn tpm.kernel-without-reset']],
    ['an older agent says nothing', {}, { bootId: kernel(2) }, []],
    ['it says nothing any more', { bootId: kernel(1) }, { clock: { resetCount: 8 } }, []],
    ['resumed', { bootId: kernel(1) }, { bootId: kernel(1), clock: { restartCount: 3 } }, ['info tpm.resumed']],
  ];
  for (const [name, last, now, expect] of cases)
    test(`${name}: ${expect.join() || 'nothing'}`, () => assert.deepEqual(found(last, now), expect));
});

test('where only full boots count, a TPM that was resumed since its reset is refused', () => {
  const settings = { require_full_boot: true };
  assert.deepEqual(found(undefined, {}, settings), ['fail tpm.full-boot']);
  assert.deepEqual(found(undefined, { clock: { restartCount: 0 } }, settings), []);
});
