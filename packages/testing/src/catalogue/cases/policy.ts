import { freshPolicy } from '@vouchsafe/domain/attestation/fresh-policy';
import { activeRecord, type ImageRecord } from '@vouchsafe/domain/attestation/image-record';
import { boot } from '@vouchsafe/eventlog/testing/boot';
import type { EventInput } from '@vouchsafe/eventlog/testing/build';
import { type CatalogueCase, findings, type Mutation } from '../case.ts';
import { imageOf } from '../honest.ts';
import type { Parts } from '../parts.ts';

const trusting = (parts: Parts, ...images: readonly ImageRecord[]): Parts => ({
  ...parts,
  policy: { ...parts.policy, images },
});
const golden = () => activeRecord(imageOf('golden', boot));

/** Another firmware, another kernel: what they differ in. */
const measuring = (pcr: number, what: string): EventInput[] =>
  boot.map((event) => (event.pcr === pcr && event.type !== 'EV_SEPARATOR' ? { ...event, measured: what } : event));
const otherKernel: readonly EventInput[] = boot.map((event) =>
  event.type === 'EV_EFI_BOOT_SERVICES_APPLICATION' || event.measured === 'vmlinuz'
    ? { ...event, measured: 'another kernel' }
    : event,
);
const otherFirmware: readonly EventInput[] = [
  { pcr: 0, type: 'EV_EFI_PLATFORM_FIRMWARE_BLOB', data: new Uint8Array(16), measured: 'another firmware' },
  ...boot,
];

const standing = (change: string, record: Partial<ImageRecord>, finding: string): Mutation => ({
  change,
  mutate: (honest) => trusting(honest, { ...golden(), ...record }),
  expect: findings(finding, ...(finding === 'image.none' ? [] : ['image.none'])),
  without: 'image.match',
});

const images = 'packages/domain/src/attestation/checks/image-match.test.ts';
const attacks = 'packages/testing/src/attestation/evidence-attacks.test.ts';

/** What IMA measured is told as events of the boot, where no list is asked, and no IMA log is sent. */
const hiddenFiles: Mutation = {
  change: 'the files stand in the log of the firmware, as events of PCR 10',
  mutate: (honest) => {
    const hidden = honest.ima
      .slice(1)
      .map((entry, i): EventInput => ({ pcr: 10, type: 'EV_IPL', data: `${i}`, measured: entry.name }));
    return { ...honest, events: [...honest.events, ...hidden], ima: [], imaLog: () => new Uint8Array() };
  },
  expect: findings('eventlog.replay'),
};

export const policyCases: readonly CatalogueCase[] = [
  {
    id: 'B01',
    what: 'no policy, an empty one, one that cannot be evaluated',
    mutations: [
      {
        change: 'no image',
        mutate: (honest) => trusting(honest),
        expect: findings('image.none'),
      },
      {
        change: 'the policy of a service that nobody configured',
        mutate: (honest) => ({ ...honest, policy: freshPolicy(honest.policy.group) }),
        expect: findings('ek.certificate', 'image.none'),
      },
    ],
    tests: [
      { file: images, test: 'of random policies only those with an active, valid image of this very boot trust it' },
    ],
  },
  {
    id: 'B02',
    what: 'the firmware of one image with the kernel of another',
    mutations: [
      {
        change: 'both images are trusted, their mixture is not',
        mutate: (honest) => ({
          ...trusting(
            honest,
            activeRecord(imageOf('new-firmware', otherFirmware)),
            activeRecord(imageOf('new-kernel', otherKernel)),
          ),
          events: [...otherFirmware.slice(0, 1), ...otherKernel],
        }),
        expect: findings('image.match', 'image.mixed'),
        without: 'image.match',
      },
      {
        change: 'their mixture was declared',
        mutate: (honest) => {
          const mixed = trusting(
            honest,
            activeRecord(imageOf('new-firmware', otherFirmware)),
            activeRecord(imageOf('new-kernel', otherKernel)),
          );
          const declared = {
            name: 'both',
            firmware: 'new-firmware',
            boot: 'new-kernel',
            by: 'local-root',
            since: '2026-01-01T00:00:00.000Z',
          };
          return {
            ...mixed,
            events: [...otherFirmware.slice(0, 1), ...otherKernel],
            policy: { ...mixed.policy, compositions: [declared] },
          };
        },
        expect: 'accept',
      },
      {
        change: 'each of them by itself',
        mutate: (honest) => ({
          ...trusting(
            honest,
            activeRecord(imageOf('new-firmware', otherFirmware)),
            activeRecord(imageOf('new-kernel', otherKernel)),
          ),
          events: otherKernel,
        }),
        expect: 'accept',
      },
    ],
    tests: [
      {
        file: 'packages/domain/src/attestation/checks/image-match.test.ts',
        test: 'the firmware of one image with the boot of another is refused until it is declared, and then only this way round',
      },
      { file: attacks, test: 'images are matched as a whole: firmware of one and kernel of another are neither' },
    ],
  },
  {
    id: 'B03',
    what: 'an image that does not count: staged, retired, expired, not valid yet',
    mutations: [
      standing('staged', { state: 'staged' }, 'image.none'),
      standing('retired', { state: 'retired' }, 'image.retired'),
      standing('expired', { not_after: '2026-05-31T23:59:59Z' }, 'image.expired'),
      standing('not valid yet', { not_before: '2026-06-01T00:00:01Z' }, 'image.not-yet-valid'),
      {
        change: 'valid since this second',
        mutate: (honest) => trusting(honest, { ...golden(), not_before: '2026-06-01T00:00:00Z' }),
        expect: 'accept',
      },
    ],
    tests: [{ file: images, test: 'a staged image is a dry run beside the real verdict' }],
  },
  {
    id: 'B04',
    what: 'patterns that accept everything, or never end',
    tests: [
      { file: 'packages/domain/src/attestation/boot-rules/rules.test.ts', test: 'refused when it is written' },
      {
        file: 'packages/domain/src/attestation/ima/exclude-lint.test.ts',
        test: 'excludes that leave nothing to be judged are refused, with what they would let through',
      },
      {
        file: 'packages/domain/src/glob.test.ts',
        test: 'the worst patterns cost their length for each character, and no more',
      },
    ],
  },
  {
    id: 'B05',
    what: 'the policy changes while a host is judged: the verdict names the one that counted',
    tests: [
      {
        file: 'packages/testing/src/attestation/attestation-service.test.ts',
        test: 'every verdict is recorded with the digests of evidence and policy, and a change of policy changes its name',
      },
      {
        file: 'packages/testing/src/attestation/attestation-service.test.ts',
        test: 'a host that was revoked gets no token, also when it asked before',
      },
    ],
  },
  {
    id: 'B06',
    what: 'an older boot that is still trusted, below the minimum',
    tests: [
      {
        file: 'packages/domain/src/attestation/minimums.test.ts',
        test: 'downgrade: a host with an older image that is still active is refused, and passes without the check',
      },
    ],
  },
  {
    id: 'B07',
    what: 'an image file that was changed, or that nobody of ours signed',
    tests: [
      { file: 'packages/domain/src/attestation/image-signature.test.ts', test: 'every octet is signed' },
      {
        file: 'packages/domain/src/attestation/image-signature.test.ts',
        test: 'without the comparison of keys the attack succeeds: a signature holds under the key that its header brings',
      },
      {
        file: 'packages/testing/src/attestation/image-capture.test.ts',
        test: 'not confirmed: a TPM of a maker that is not trusted, a forged value, another log, a stranger to the group',
      },
    ],
  },
  {
    id: 'B08',
    what: 'updates: what differs is told, and what was approved before is accepted',
    mutations: [
      {
        change: 'another kernel',
        mutate: (honest) => ({ ...honest, events: otherKernel }),
        expect: findings('image.match'),
        without: 'image.match',
      },
      {
        change: 'another kernel that is trusted beside the old one',
        mutate: (honest) => ({
          ...trusting(honest, golden(), activeRecord(imageOf('next', otherKernel))),
          events: otherKernel,
        }),
        expect: 'accept',
      },
      {
        change: 'another firmware',
        mutate: (honest) => ({ ...honest, events: otherFirmware }),
        expect: findings('image.match'),
        without: 'image.match',
      },
      {
        change: 'another loader command line',
        mutate: (honest) => ({ ...honest, events: measuring(8, 'ro quiet') }),
        expect: findings('image.match'),
      },
    ],
    tests: [
      {
        file: 'packages/testing/src/whole-host-attestation.test.ts',
        test: 'an update of the kernel: refused with what differs, staged, approved, and then trusted',
      },
      {
        file: 'packages/testing/src/whole-host-attestation.test.ts',
        test: 'after the approval every host with either update is trusted at once, without a false reject',
      },
    ],
  },
  {
    id: 'B09',
    what: 'facts are used before they were proven',
    tests: [{ file: attacks, test: 'no checks, missing facts, a check that throws: each is a refusal' }],
  },
  {
    id: 'B10',
    what: 'one reason hides another',
    mutations: [
      {
        change: 'a revoked host with another kernel, pinned to another group',
        mutate: (honest) => {
          const claims = new TextDecoder().decode(honest.claims).replace(honest.policy.group.id, 'A'.repeat(43));
          const host = honest.host === undefined ? undefined : { ...honest.host, state: 'revoked' as const };
          return { ...honest, events: otherKernel, host, claims: new TextEncoder().encode(claims) };
        },
        expect: findings('host.revoked', 'host.group', 'image.match'),
      },
    ],
  },
  {
    id: 'B11',
    mutations: [hiddenFiles],
    what: 'IMA: violations, templates, a log that shrinks, an offset that lies',
    tests: [
      {
        file: 'packages/domain/src/attestation/ima/judge.test.ts',
        test: 'a violation proves nothing of the file, not even its path',
      },
      {
        file: 'packages/domain/src/attestation/ima/judge.test.ts',
        test: 'an entry whose template puts other fields in the place of digest and name is not judged by them',
      },
      {
        file: 'packages/domain/src/attestation/ima/progress.test.ts',
        test: 'a log that leaves out entries, repeats them, or begins elsewhere than it claims leads nowhere',
      },
      {
        file: 'packages/testing/src/attestation/by-reference.test.ts',
        test: 'of the IMA log only what follows is sent; from another entry on, or changed, it counts for nothing',
      },
    ],
  },
  {
    id: 'B12',
    what: 'IMA: paths that slip through an exclude',
    tests: [
      {
        file: 'packages/domain/src/attestation/ima/judge.test.ts',
        test: 'an exclude matches absolute paths of exact form only',
      },
      {
        file: 'packages/domain/src/attestation/ima/judge.test.ts',
        test: 'what is shown of a name is one printable line',
      },
    ],
  },
];
