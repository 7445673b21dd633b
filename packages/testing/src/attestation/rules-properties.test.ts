import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { seeded } from '@vouchsafe/bytes/hostile';
import { appraise } from '@vouchsafe/domain/attestation/appraisal';
import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import { type BootRules, lintRules } from '@vouchsafe/domain/attestation/boot-rules';
import { type RuleId, ruleIds } from '@vouchsafe/domain/attestation/boot-rules/table';
import { attestationChecks } from '@vouchsafe/domain/attestation/checks/table';
import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import type { AttestationPolicy } from '@vouchsafe/domain/attestation/policy';
import { quirks } from '@vouchsafe/eventlog/quirks';
import { type Attempt, attempt, Bench, type BenchHost, capture, inputOf } from './bench.ts';

const digests = ['00'.repeat(32), 'ab'.repeat(32)];
const patterns = ['quiet', 'console=*', 'init=*', '!init=/sbin/init', 'panic=*', 'ima_policy=tcb', 'lockdown=*', '*=*'];

/** Values that a rule may be set to; what is not here is on or off. */
const lists: Partial<Record<RuleId, readonly string[]>> = {
  'secure-boot.pk': digests,
  'secure-boot.kek': digests,
  'secure-boot.db': digests,
  'secure-boot.authorities': digests,
  'boot.loaders': digests,
  'firmware.drivers': digests,
  'boot.options': ['*Pci(0x1*', 'Fv(*', '*'],
  'firmware.versions': ['1.*', 'GCE*', '*'],
  'cmdline.forbidden': patterns,
  'cmdline.required': patterns,
  'cmdline.allowed': patterns,
  'eventlog.quirks': Object.keys(quirks),
};
const words: Partial<Record<RuleId, readonly string[]>> = {
  'secure-boot.match': ['exact', 'keys'],
  'shim.sbat-level': ['', '2023012900'],
  'cmdline.unreadable': ['image', 'refuse'],
};

function randomRules(random: () => number): BootRules {
  const below = (n: number) => Math.floor(random() * n);
  const chosen = ruleIds.filter(() => random() < 0.4);
  const entries = chosen.map((id) => {
    const [list, word] = [lists[id], words[id]];
    if (list) return [id, list.filter(() => random() < 0.5)];
    return [id, word ? word[below(word.length)] : random() < 0.5];
  });
  return Object.fromEntries(entries) as BootRules;
}

describe('properties of random rules, on real TPMs', () => {
  let bench: Bench;
  let [good, evil] = [] as unknown as [BenchHost, BenchHost];
  let [honest, attacking] = [] as unknown as [Attempt, Attempt];
  let golden: BaseImage;
  let policy: AttestationPolicy;

  before(async () => {
    bench = await Bench.create();
    good = await bench.addHost('good', 'debian12-uki-a');
    evil = await bench.addHost('evil', 'debian12-uki-b');
    golden = await capture(good);
    policy = await bench.policy(golden);
    [honest, attacking] = [await attempt(good, bench.group), await attempt(evil, bench.group)];
  });
  after(async () => await bench?.[Symbol.asyncDispose]());

  const trusted = (of: Attempt, change: Partial<AttestationPolicy>, more = {}) =>
    appraise(inputOf(of, { ...policy, ...change }, more), attestationChecks).trusted;

  test('without an active image no rules let a host pass', () => {
    const random = seeded(1);
    for (let i = 0; i < 60; i++) {
      const rules = randomRules(random);
      const state = random() < 0.5 ? 'staged' : 'retired';
      const images = random() < 0.3 ? [] : [{ ...activeRecord(golden), state } as const];
      assert.equal(trusted(honest, { rules, images }), false, JSON.stringify(rules));
    }
  });

  test('rules never let pass what the image or a gate refuses', () => {
    const random = seeded(2);
    for (let i = 0; i < 60; i++) {
      const rules = randomRules(random);
      assert.equal(trusted(attacking, { rules }), false, `another kernel: ${JSON.stringify(rules)}`);
      assert.equal(trusted(honest, { rules }, { consume: () => false }), false, `used twice: ${JSON.stringify(rules)}`);
      assert.equal(trusted(honest, { rules }, { host: undefined }), false, `stranger: ${JSON.stringify(rules)}`);
    }
  });

  test('the rules of these properties do something: an honest host passes under some of them, and not under others', () => {
    const random = seeded(3);
    let [passed, refused] = [0, 0];
    for (let i = 0; i < 80; i++) {
      const rules = randomRules(random);
      if (trusted(honest, { rules })) passed++;
      else refused++;
    }
    assert.ok(passed > 0 && refused > 0, `of both kinds there must be some: ${passed} passed, ${refused} refused`);
  });

  test('random rules that accept every command line are refused when they are written', () => {
    for (const everything of ['*', '**', '?*', '*?', '[!x]*', '*/*'])
      assert.notDeepEqual(lintRules({ 'cmdline.allowed': ['quiet', everything] }), [], everything);
  });
});
