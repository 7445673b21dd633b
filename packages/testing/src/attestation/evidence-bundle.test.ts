import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { everyTruncation } from '@vouchsafe/bytes/hostile';
import { Appraisal } from '@vouchsafe/domain/attestation/appraisal';
import { type BundleFile, packBundle, unpackBundle } from '@vouchsafe/domain/attestation/bundle/bundle-file';
import { type BundleStatement, contentDigest, signBundle } from '@vouchsafe/domain/attestation/bundle/bundle-statement';
import { contentOf, inputOf as storedInputOf } from '@vouchsafe/domain/attestation/bundle/evidence-bundle';
import { replayBundle } from '@vouchsafe/domain/attestation/bundle/replay-bundle';
import { bundleRules, verifyBundle } from '@vouchsafe/domain/attestation/bundle/verify-bundle';
import { attestationChecks } from '@vouchsafe/domain/attestation/checks/table';
import { evidenceDigest } from '@vouchsafe/domain/attestation/evidence-digest';
import { policyDigest } from '@vouchsafe/domain/attestation/policy-digest';
import { firstRefusal } from '@vouchsafe/domain/rules';
import { testGroup } from '@vouchsafe/domain/testing/group';
import { problem } from '@vouchsafe/domain/testing/problem';
import { policyOfDocuments } from '@vouchsafe/services/attestd/policy-of-documents';
import { attempt, Bench, type BenchHost, benchTime, capture, inputOf, requestOf } from './bench.ts';
import { EvidenceSite } from './evidence-site.ts';
import { without } from './without.ts';

describe('evidence of real TPMs, kept and judged again', () => {
  let bench: Bench;
  let good: BenchHost;
  let evil: BenchHost;
  let site: EvidenceSite;
  let signer: Awaited<ReturnType<Bench['certify']>>;

  before(async () => {
    bench = await Bench.create();
    good = await bench.addHost('good', 'debian12-uki-a');
    evil = await bench.addHost('evil', 'debian12-uki-b');
    signer = await bench.certify('attestd');
  });
  after(async () => await bench?.[Symbol.asyncDispose]());

  beforeEach(async () => {
    site = await EvidenceSite.create(bench, good, [evil]);
  });
  afterEach(async () => await site[Symbol.asyncDispose]());

  const exported = async (): Promise<BundleFile> => unpackBundle(await site.exported());

  async function bundleOf(host: BenchHost): Promise<BundleFile> {
    await site.service.report(await site.evidenceFor(host));
    return await exported();
  }

  async function replayed(bundle: BundleFile, checks = attestationChecks) {
    const verified = await verifyBundle(bundle, bench.group);
    return replayBundle(verified, policyOfDocuments(bundle.policy ?? [], bench.group), checks);
  }

  test('nothing of what a verdict was made from is missing in its bundle', async () => {
    const of = await attempt(good, bench.group);
    const lastBoot = { ak: 'ab', resetCount: 1, restartCount: 2, clock: '3', safe: true, firmware: '00'.repeat(8) };
    const known = { sameTpm: [evil.record], akIsEkOf: undefined };
    const input = inputOf(of, await bench.policy(), { lastBoot, known });
    const { consume: _c, policy, ...back } = storedInputOf(contentOf(new Appraisal(input), true), input.policy);
    const { consume: _d, policy: _p, ...given } = input;
    assert.deepEqual(JSON.parse(JSON.stringify(back, plain)), JSON.parse(JSON.stringify(given, plain)));
    assert.equal(evidenceDigest({ ...input, ...back }), evidenceDigest(input));
    assert.equal(policy, input.policy);
  });

  test('accepted and refused evidence is judged again as it was, though the policy changed meanwhile', async () => {
    const [accepted, refused] = [await bundleOf(good), await bundleOf(evil)];
    site.configuration.deleteImage('golden');
    assert.equal((await site.service.report(await site.evidenceFor(good))).attested, false);
    for (const [bundle, trusted] of [
      [accepted, true],
      [refused, false],
    ] as const) {
      const { recorded, today, differences } = await replayed(bundle);
      assert.deepEqual([recorded.trusted, today.trusted, differences], [trusted, trusted, []]);
      assert.deepEqual(today.findings, recorded.findings);
    }
    const { statement } = await verifyBundle(accepted, bench.group);
    const record = site.part.records.find(({ action }) => action === 'host.attest')?.detail;
    assert.deepEqual([record?.evidence, record?.policy], [statement.evidence, statement.policy]);
  });

  test('the same evidence handed in twice is refused in its bundle too', async () => {
    const sent = await site.evidenceFor(good);
    await site.service.report(sent);
    await site.service.report(sent);
    const { recorded, today, differences } = await replayed(await exported());
    assert.deepEqual([recorded.trusted, today.trusted, differences], [false, false, []]);
    assert.ok(today.findings.some(({ check, severity }) => check === 'challenge.once' && severity === 'fail'));
  });

  test('evidence that does not answer its challenge is kept without the secret, and refused for the same', async () => {
    const sent = await site.evidenceFor(good);
    const other = await site.service.begin(requestOf(good));
    await site.service.report({ ...sent, challenge: other.challenge });
    const bundle = await exported();
    assert.equal(bundle.content.challenge.secret, undefined);
    const { today, differences } = await replayed(bundle);
    assert.deepEqual([today.trusted, differences], [false, []]);
    assert.deepEqual(
      today.findings.filter(({ severity }) => severity === 'fail').map(({ check }) => check),
      ['quote.extra-data'],
    );
  });

  test('a version that judges otherwise says so loudly', async () => {
    const bundle = await bundleOf(evil);
    const { differences } = await replayed(bundle, without('image.match'));
    assert.deepEqual(
      differences.map(({ check, severity }) => [check, severity]),
      [['bundle.differs', 'fail']],
    );
  });

  /** A bundle whose statement says something else, signed by whomever. */
  async function resigned(
    bundle: BundleFile,
    change: Partial<BundleStatement>,
    by: Parameters<typeof signBundle>[0] | undefined = undefined,
    certificate = signer.certificate,
  ): Promise<BundleFile> {
    const { statement } = await verifyBundle(bundle, bench.group);
    return { ...bundle, statement: await signBundle(by ?? signer.key, certificate, { ...statement, ...change }) };
  }

  type Tampering = (bundle: BundleFile) => BundleFile | Promise<BundleFile>;
  const attacks: [name: string, rule: string, tamper: Tampering][] = [
    [
      'an attestd of another group signed it',
      'bundle.signer',
      async (bundle) => {
        const { key, certificate } = await (await testGroup()).inRole('attestd');
        return resigned(bundle, {}, key, certificate);
      },
    ],
    [
      'a kmxd of the group signed it',
      'bundle.signer',
      async (bundle) => {
        const { key, certificate } = await bench.certify('kmxd');
        return resigned(bundle, {}, key, certificate);
      },
    ],
    ['it is of another group', 'bundle.group', (bundle) => resigned(bundle, { group: 'A'.repeat(43) })],
    [
      'the host is another one',
      'bundle.content',
      (bundle) => ({ ...bundle, content: { ...bundle.content, host: { ...bundle.content.host!, name: 'innocent' } } }),
    ],
    [
      'it says that its challenge was used before',
      'bundle.content',
      (bundle) => ({ ...bundle, content: { ...bundle.content, consumed: false } }),
    ],
    [
      'the kernel of the refused host was added to the images of its policy',
      'bundle.policy',
      async (bundle) => ({
        ...bundle,
        policy: [
          ...bundle.policy!,
          { collection: 'base-images', name: 'evil', body: { ...(await capture(evil)), name: 'evil' } },
        ],
      }),
    ],
    [
      'an image was taken out of its policy',
      'bundle.policy',
      (bundle) => ({ ...bundle, policy: bundle.policy!.filter(({ collection }) => collection !== 'base-images') }),
    ],
    ['it has no policy', 'bundle.policy', ({ policy: _gone, ...bundle }) => bundle],
    ['its verdict is of another time', 'bundle.time', (bundle) => resigned(bundle, { iat: benchTime - 1 })],
    ['it names other evidence', 'bundle.evidence', (bundle) => resigned(bundle, { evidence: 'A'.repeat(43) })],
  ];
  for (const [name, rule, tamper] of attacks) {
    test(`a bundle is refused when ${name}, and accepted when ${rule} is taken out`, async () => {
      const tampered = await tamper(await bundleOf(evil));
      await assert.rejects(verifyBundle(tampered, bench.group), problem('bundle.invalid'));
      const { readBundleStatement } = await import('@vouchsafe/domain/attestation/bundle/bundle-statement');
      const presented = {
        ...(await readBundleStatement(tampered.statement)),
        content: tampered.content,
        policy: tampered.policy,
        group: bench.group,
      };
      assert.equal((await firstRefusal(bundleRules, presented))?.rule, rule);
      const others = bundleRules.filter(({ id }) => id !== rule);
      assert.equal(others.length, bundleRules.length - 1);
      assert.equal(await firstRefusal(others, presented), undefined);
    });
  }

  test('the image of the attacker in the policy would have made the refusal a pass', async () => {
    const bundle = await bundleOf(evil);
    const body = { ...(await capture(evil)), name: 'evil' };
    const documents = [...bundle.policy!, { collection: 'base-images', name: 'evil', body }];
    const verified = await verifyBundle(bundle, bench.group);
    const { today } = replayBundle(verified, policyOfDocuments(documents, bench.group), attestationChecks);
    assert.equal(today.trusted, true);
  });

  test('changed evidence that was signed again by nobody is refused, field by field', async () => {
    const bundle = await bundleOf(good);
    const { content } = bundle;
    const fields = Object.keys(content.evidence) as (keyof typeof content.evidence)[];
    for (const field of fields) {
      const { [field]: _gone, ...rest } = content.evidence;
      const cut = { ...bundle, content: { ...content, evidence: rest as typeof content.evidence } };
      await assert.rejects(verifyBundle(cut, bench.group), problem('bundle.invalid'), field);
    }
    for (const field of Object.keys(content.challenge) as (keyof typeof content.challenge)[]) {
      const { [field]: _gone, ...rest } = content.challenge;
      const cut = { ...bundle, content: { ...content, challenge: rest as typeof content.challenge } };
      await assert.rejects(verifyBundle(cut, bench.group), problem('bundle.invalid'), String(field));
    }
    const { statement } = await verifyBundle(bundle, bench.group);
    assert.equal(contentDigest(content), statement.content);
    assert.equal(policyDigest({ documents: bundle.policy! }), statement.policy);
  });

  test('a file that is cut, no gzip, no JSON, or unpacks to too much is refused as such', async () => {
    const bundle = await bundleOf(good);
    const packed = packBundle(bundle);
    let cuts = 0;
    everyTruncation(packed.subarray(0, 600), (cut) => {
      assert.throws(() => unpackBundle(cut), problem('input.malformed'));
      cuts++;
    });
    assert.equal(cuts, 600);
    const json = gunzipSync(packed).toString();
    const bad: [string, Uint8Array, 'input.malformed' | 'input.invalid' | 'input.too-large', RegExp][] = [
      ['a bomb', gzipSync(Buffer.alloc(4 * 1024 * 1024, 0x20)), 'input.too-large', /more than/],
      ['no JSON', gzipSync('{'), 'input.malformed', /not JSON/],
      ['no UTF-8', gzipSync(Buffer.from([0xff, 0xfe])), 'input.malformed', /UTF-8/],
      ['a name twice', gzipSync(json.replace('{"v":1', '{"v":1,"v":1')), 'input.malformed', /twice/],
      ['another version', gzipSync(json.replace('{"v":1', '{"v":2')), 'input.invalid', /v:/],
      ['another member', gzipSync(json.replace('{"v":1', '{"x":1,"v":1')), 'input.invalid', /x/],
      ['nothing', new Uint8Array(), 'input.malformed', /gzip/],
    ];
    for (const [name, bytes, kind, text] of bad)
      assert.throws(() => unpackBundle(bytes, 2 * 1024 * 1024), problem(kind, text), name);
  });
});

/** Maps, bytes and certificates as JSON, so that both sides compare by value. */
function plain(_name: string, value: unknown): unknown {
  if (value instanceof Map) return { map: [...value] };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') };
  return value;
}
