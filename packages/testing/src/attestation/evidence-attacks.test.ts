import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { hex } from '@vouchsafe/bytes/hex';
import { type AppraisalInput, appraise } from '@vouchsafe/domain/attestation/appraisal';
import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import { bootRecordOf } from '@vouchsafe/domain/attestation/boot-record';
import { attestationChecks } from '@vouchsafe/domain/attestation/checks/table';
import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import type { Evidence } from '@vouchsafe/domain/attestation/messages';
import { newChallenge } from '@vouchsafe/domain/attestation/new-challenge';
import { type AttestationPolicy, quotedPcrs } from '@vouchsafe/domain/attestation/policy';
import { trustIn } from '@vouchsafe/domain/attestation/tpm-trust';
import { pinnedAuthority } from '@vouchsafe/domain/testing/tpm-authority';
import { createAuthority, issue } from '@vouchsafe/domain/x509/authority';
import { decodeImaLog } from '@vouchsafe/eventlog/ima/log';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { buildLog } from '@vouchsafe/eventlog/testing/build';
import { akTemplates } from '@vouchsafe/tpm2/ak-template';
import { decodeAttest, type TpmsAttestFrame, tpmGeneratedValue } from '@vouchsafe/tpm2/attest';
import { certify } from '@vouchsafe/tpm2/commands/certify';
import { createPrimary } from '@vouchsafe/tpm2/commands/create-primary';
import { pcrRead } from '@vouchsafe/tpm2/commands/pcr-read';
import { quote } from '@vouchsafe/tpm2/commands/quote';
import { decodePublic, encodePublic } from '@vouchsafe/tpm2/public';
import { quoteDigest } from '@vouchsafe/tpm2/quote-digest';
import { softwareKey } from '@vouchsafe/tpm2/testing/software-key';
import {
  type Attempt,
  attempt,
  Bench,
  type BenchHost,
  capture,
  claimedBoot,
  expectedExtraData,
  inputOf,
  pcrText,
  requestOf,
  seed,
} from './bench.ts';
import { forgedQuote, signAnything, signForeign } from './forge.ts';
import { without } from './without.ts';

const failuresOf = ({ findings }: ReturnType<typeof appraise>) =>
  findings
    .filter(({ severity }) => severity === 'fail')
    .map(({ check, pcr }) => (pcr === undefined ? check : [check, pcr]));

const quoted = [{ hash: 'sha256' as const, pcrSelect: [...quotedPcrs] }];
const octets = (of: Attempt['evidence'], field: 'attest' | 'signature' | 'event_log') => fromBase64url(of[field]);

describe('forged, replayed and borrowed evidence, on real TPMs', () => {
  let bench: Bench;
  /** Booted the golden image. */
  let good: BenchHost;
  /** Enrolled as well, with another kernel: the attacker has root on it. */
  let evil: BenchHost;
  let golden: BaseImage;
  let policy: AttestationPolicy;

  before(async () => {
    bench = await Bench.create();
    good = await bench.addHost('good', 'debian12-uki-a');
    evil = await bench.addHost('evil', 'debian12-uki-b');
    golden = await capture(good);
    policy = await bench.policy(golden);
  });

  after(async () => await bench?.[Symbol.asyncDispose]());

  /** The attack is refused with exactly these findings, and succeeds when the check is taken out. */
  function refusedBy(check: string, findings: unknown[], input: AppraisalInput): void {
    const verdict = appraise(input, attestationChecks);
    assert.deepEqual(failuresOf(verdict), findings);
    assert.equal(verdict.trusted, false);
    const lax = appraise(input, without(check));
    assert.deepEqual([lax.trusted, failuresOf(lax)], [true, []], `without ${check} the attack succeeds`);
  }

  const withEvidence = (of: Attempt, change: Partial<Evidence>): Attempt => ({
    ...of,
    evidence: { ...of.evidence, ...change },
  });

  /** What a forger writes: the golden boot, and everything else as the verifier wants it. */
  function goldenQuote(of: Attempt, change: Partial<TpmsAttestFrame> = {}): Uint8Array {
    const values = { sha256: new Map([...good.boot.pcrs].map(([pcr, value]) => [pcr, Buffer.from(value, 'hex')])) };
    const frame = { ...decodeAttest(octets(of.evidence, 'attest')), extraData: expectedExtraData(of), ...change };
    return forgedQuote(frame, { pcrSelect: quoted, pcrDigest: quoteDigest(quoted, values, 'sha256') });
  }

  test('an honest host with the golden boot is trusted, and nothing is found against it', async () => {
    const verdict = appraise(inputOf(await attempt(good, bench.group), policy), attestationChecks);
    assert.deepEqual([verdict.trusted, failuresOf(verdict)], [true, []]);
    assert.equal(verdict.appraisal.get('image').name, 'golden');
    assert.equal(verdict.appraisal.get('tpm'), 'virtual');
  });

  test('another kernel: refused with the PCRs that differ', async () => {
    const input = inputOf(await attempt(evil, bench.group), policy);
    const pcrs = new Set(failuresOf(appraise(input, attestationChecks)).map((each) => String(each[1])));
    assert.deepEqual(pcrs, new Set(['4', '9', '11']));
    assert.equal(appraise(input, without('image.match')).trusted, true);
  });

  test('forged magic: an attestation key is made to sign data from outside', async () => {
    const honest = await attempt(evil, bench.group);
    const attest = goldenQuote(honest, { magic: 0x12345678 });
    const signature = await signForeign(evil.tpm, evil.identity.ak, attest);
    const forged = withEvidence(honest, {
      attest: base64url(attest),
      signature: base64url(signature),
      ...claimedBoot(good.boot),
    });
    refusedBy('quote.magic', ['quote.magic'], inputOf(forged, policy));
    await assert.rejects(
      signForeign(evil.tpm, evil.identity.ak, goldenQuote(honest)),
      /TPM_RC_TICKET/,
      'a TPM signs nothing that begins like its own structures',
    );
  });

  test('unrestricted key: it signs a forgery with the right magic', async () => {
    const { objectAttributes } = akTemplates.ecc;
    const template = { ...akTemplates.ecc, objectAttributes: { ...objectAttributes, restricted: false } };
    await using loose = await createPrimary(evil.tpm, 'endorsement', template);
    const host = { ...evil, identity: { ...evil.identity, ak: loose } };
    const honest = await attempt(host, bench.group);
    const attest = goldenQuote(honest, { magic: tpmGeneratedValue });
    const signature = await signAnything(evil.tpm, loose, attest);
    const forged = withEvidence(honest, {
      attest: base64url(attest),
      signature: base64url(signature),
      ...claimedBoot(good.boot),
    });
    refusedBy('ak.attributes', ['ak.attributes'], inputOf(forged, policy));
  });

  test('other AK: a key outside any TPM signs the quote', async () => {
    const honest = await attempt(evil, bench.group);
    const attest = goldenQuote(honest);
    const signature = base64url(softwareKey('ecc').sign(attest));
    const forged = withEvidence(honest, { attest: base64url(attest), signature, ...claimedBoot(good.boot) });
    refusedBy('quote.signature', ['quote.signature'], inputOf(forged, policy));
  });

  test('other AK: the AK of an honest host signs for another', async () => {
    const mine = await attempt(evil, bench.group);
    const signed = await quote(good.tpm, good.identity.ak, expectedExtraData(mine), quoted);
    const borrowed = withEvidence(mine, {
      attest: base64url(signed.attest),
      signature: base64url(signed.signature),
      ...claimedBoot(good.boot),
    });
    refusedBy('quote.signature', ['quote.signature'], inputOf(borrowed, policy));
  });

  test('replayed quote: what was true once answers a new challenge', async () => {
    const once = await attempt(good, bench.group);
    const now = newChallenge(requestOf(good), seed());
    refusedBy('quote.extra-data', ['quote.extra-data'], inputOf({ ...once, ...now }, policy));
  });

  test('nonce of another host: an honest TPM answers the challenge of this one', async () => {
    // The credential is for the EK of the attacker and the AK of the honest host, which no TPM holds together.
    const request = { ...requestOf(evil), ak: requestOf(good).ak };
    const { challenge } = newChallenge(request, seed());
    const relayed = await attempt(good, bench.group);
    const forged = { challenge, evidence: { ...relayed.evidence, ...certificateOf(evil) }, host: evil };
    refusedBy('quote.extra-data', ['quote.extra-data'], inputOf(forged, policy));
  });

  test('exchanged claims: the keys of somebody else, under an honest quote', async () => {
    const [honest, other] = [await attempt(good, bench.group), await attempt(good, bench.group)];
    refusedBy(
      'quote.extra-data',
      ['quote.extra-data'],
      inputOf(withEvidence(honest, { claims: other.evidence.claims }), policy),
    );
  });

  test('challenge used twice: the same evidence is handed in again', async () => {
    const input = inputOf(await attempt(good, bench.group), policy, { consume: () => false });
    refusedBy('challenge.once', ['challenge.once'], input);
  });

  test('quote over other PCRs: one is left out', async () => {
    const honest = await attempt(good, bench.group);
    const pcrs = quotedPcrs.filter((pcr) => pcr !== 5);
    const selection = [{ hash: 'sha256' as const, pcrSelect: pcrs }];
    const signed = await quote(good.tpm, good.identity.ak, expectedExtraData(honest), selection);
    const changed = withEvidence(honest, { attest: base64url(signed.attest), signature: base64url(signed.signature) });
    refusedBy('quote.selection', ['quote.selection'], inputOf(changed, policy));
  });

  test('quote over other PCRs: golden values stand beside a quote over PCR 16, or over none', async () => {
    for (const pcrSelect of [[16], [], quotedPcrs.map((pcr) => (pcr === 4 ? 16 : pcr))]) {
      const honest = await attempt(evil, bench.group);
      const signed = await quote(evil.tpm, evil.identity.ak, expectedExtraData(honest), [
        { hash: 'sha256', pcrSelect },
      ]);
      const changed = withEvidence(honest, {
        attest: base64url(signed.attest),
        signature: base64url(signed.signature),
        ...claimedBoot(good.boot),
      });
      assert.deepEqual(failuresOf(appraise(inputOf(changed, policy), attestationChecks)), ['quote.selection']);
    }
  });

  test('values that the quote does not cover: an honest quote of a bad boot with golden values', async () => {
    const honest = await attempt(evil, bench.group);
    refusedBy('quote.digest', ['quote.digest'], inputOf(withEvidence(honest, claimedBoot(good.boot)), policy));
  });

  test('another structure in the place of a quote', async () => {
    const honest = await attempt(evil, bench.group);
    const { ak } = evil.identity;
    const signed = await certify(evil.tpm, ak, ak, expectedExtraData(honest));
    const changed = withEvidence(honest, { attest: base64url(signed.attest), signature: base64url(signed.signature) });
    assert.deepEqual(failuresOf(appraise(inputOf(changed, policy), attestationChecks)), ['quote.type']);
  });

  test('log with a changed event', async () => {
    const honest = await attempt(good, bench.group);
    const log = octets(honest.evidence, 'event_log').slice();
    const event = decodeLog(log).events.find(({ pcr }) => pcr === 11);
    log[Buffer.from(log).lastIndexOf(Buffer.from(event?.digests.sha256 ?? []))]! ^= 1;
    const changed = withEvidence(honest, { event_log: base64url(log) });
    refusedBy('eventlog.replay', [['eventlog.replay', 11]], inputOf(changed, policy));
  });

  test('log with a changed text: the digest is untouched, so the replay cannot see it', async () => {
    const honest = await attempt(good, bench.group);
    const log = Buffer.from(octets(honest.evidence, 'event_log'));
    log.write('Calling EFI Application from Boot Hacker', log.indexOf('Calling EFI Application from Boot Option'));
    const changed = withEvidence(honest, { event_log: base64url(log) });
    refusedBy('eventlog.facts', [['eventlog.data-mismatch', 4]], inputOf(changed, policy));
  });

  test('log that is cut, reordered or of another boot', async () => {
    const honest = await attempt(good, bench.group);
    const log = octets(honest.evidence, 'event_log');
    for (const event_log of [log.subarray(0, -1), log.subarray(0, 65), evil.boot.eventLog, new Uint8Array()]) {
      const input = inputOf(withEvidence(honest, { event_log: base64url(event_log) }), policy);
      const failures = failuresOf(appraise(input, attestationChecks));
      assert.ok(failures.length > 0 && failures.every((each) => String(each).startsWith('eventlog.replay')));
    }
  });

  test('IMA log that is shortened', async () => {
    const honest = await attempt(good, bench.group);
    const whole = good.boot.imaLog;
    const last = decodeImaLog(whole).length - 1;
    let length = whole.length;
    while (decodes(whole.subarray(0, --length)) !== last);
    const changed = withEvidence(honest, { ima_log: base64url(whole.subarray(0, length)) });
    refusedBy('ima.replay', [['ima.replay', 10]], inputOf(changed, policy));
    const { ima_log: _gone, ...none } = honest.evidence;
    assert.deepEqual(failuresOf(appraise(inputOf({ ...honest, evidence: none }, policy), attestationChecks)), [
      ['ima.replay', 10],
    ]);
  });

  test('IMA log that grew after the quote: accepted', async () => {
    const honest = await attempt(good, bench.group);
    const more = Buffer.concat([good.boot.imaLog, good.boot.imaLog.subarray(0, firstEntry(good.boot.imaLog))]);
    const verdict = appraise(inputOf(withEvidence(honest, { ima_log: base64url(more) }), policy), attestationChecks);
    assert.deepEqual([verdict.trusted, failuresOf(verdict)], [true, []]);
  });

  test('same CA, golden log, and nobody approved the TPM', async () => {
    const honest = await attempt(good, bench.group);
    refusedBy('host.enrolled', ['host.not-enrolled'], inputOf(honest, policy, { host: undefined }));
    const pending = { ...good.record, state: 'pending' as const };
    refusedBy('host.enrolled', ['host.not-enrolled'], inputOf(honest, policy, { host: pending }));
  });

  test('revoked EK', async () => {
    const host = { ...good.record, state: 'revoked' as const };
    refusedBy('host.enrolled', ['host.revoked'], inputOf(await attempt(good, bench.group), policy, { host }));
  });

  test('virtual TPM in a scope that does not allow it', async () => {
    const host = { ...good.record, scope: 'production' };
    refusedBy('host.enrolled', ['ek.virtual'], inputOf(await attempt(good, bench.group), policy, { host }));
  });

  test('TPM of a maker that is not trusted', async () => {
    const strangers = await createAuthority({ name: 'swtpm-localca-rootca', ...validity });
    const other = { ...policy, trust: trustIn(pinnedAuthority('other', strangers.certificatePem, true)) };
    refusedBy('ek.certificate', ['ek.certificate'], inputOf(await attempt(good, bench.group), other));
  });

  test('EK certificate of another TPM', async () => {
    const honest = await attempt(good, bench.group);
    const borrowed = withEvidence(honest, certificateOf(evil));
    refusedBy('ek.certificate', ['ek.certificate'], inputOf(borrowed, policy));
  });

  test('certified storage key that is no EK: its owner opens the credential in software', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const { n } = publicKey.export({ format: 'jwk' });
    const ca = await createAuthority({ name: 'maker', ...validity });
    const pem = await issue({ authority: ca, publicKey, subject: 'storage key', usages: ['agree'], ...validity });
    const certificate = new X509Certificate(pem);
    const area = decodePublic(good.identity.ek.publicArea);
    assert.equal(area.type, 'rsa');
    const ekPublic = encodePublic({
      ...area,
      objectAttributes: { ...area.objectAttributes, fixedTPM: false, fixedParent: false },
      unique: fromBase64url(String(n)),
    } as typeof area);
    const request = { ...requestOf(good), ek: { public: base64url(ekPublic) } };
    const { challenge } = newChallenge(request, seed());
    const { evidence } = await attempt(good, bench.group);
    const signed = await quote(good.tpm, good.identity.ak, expectedExtraData({ challenge, evidence }), quoted);
    const forged = {
      challenge,
      host: good,
      evidence: {
        ...evidence,
        attest: base64url(signed.attest),
        signature: base64url(signed.signature),
        ek_certificate: base64url(certificate.raw),
      },
    };
    const trusting = { ...policy, trust: trustIn(pinnedAuthority('maker', ca.certificatePem)) };
    refusedBy('ek.template', ['ek.template'], inputOf(forged, trusting));
  });

  test('host that is pinned to another group', async () => {
    const stranger = await attempt(good, { ...bench.group, id: 'A'.repeat(43) });
    refusedBy('host.group', ['host.group'], inputOf(stranger, policy));
  });

  test('rolled-back TPM: it was switched on less often than it said before', async () => {
    const honest = await attempt(good, bench.group);
    const { clockInfo } = decodeAttest(octets(honest.evidence, 'attest'));
    const reset = bootRecordOf(honest.challenge.ak, {
      clockInfo: { ...clockInfo, resetCount: clockInfo.resetCount + 1 },
    });
    refusedBy('tpm.clock', ['tpm.boot-identity'], inputOf(honest, policy, { lastBoot: reset }));
  });

  test('TPM that went on since: accepted, also after another boot and under another AK', async () => {
    const honest = await attempt(good, bench.group);
    const { clockInfo } = decodeAttest(octets(honest.evidence, 'attest'));
    const lastBoots = [
      bootRecordOf(honest.challenge.ak, { clockInfo: { ...clockInfo, clock: clockInfo.clock - 1n } }),
      bootRecordOf(honest.challenge.ak, {
        clockInfo: { ...clockInfo, resetCount: clockInfo.resetCount - 1, clock: 2n ** 63n },
      }),
      { ...bootRecordOf(honest.challenge.ak, { clockInfo }), ak: 'ff', resetCount: 2 ** 31 },
    ];
    for (const lastBoot of lastBoots) {
      assert.equal(appraise(inputOf(honest, policy, { lastBoot }), attestationChecks).trusted, true);
    }
  });

  test('images are matched as a whole: firmware of one and kernel of another are neither', async () => {
    const other = { ...(await capture(evil)), name: 'other' };
    const mixed = [
      { ...golden, pcrs: { ...golden.pcrs, 4: other.pcrs['4']! } },
      { ...other, pcrs: { ...other.pcrs, 11: golden.pcrs['11']! } },
    ];
    const honest = await attempt(good, bench.group);
    const { 12: _twelve, ...open } = golden.pcrs;
    for (const images of [mixed, [{ ...golden, pcrs: open }], [{ ...golden, pcrs: {} }]]) {
      const verdict = appraise(inputOf(honest, { ...policy, images: images.map(activeRecord) }), attestationChecks);
      assert.deepEqual(new Set(failuresOf(verdict).map((each) => each.at(0))), new Set(['image.match']));
    }
    assert.deepEqual(failuresOf(appraise(inputOf(honest, { ...policy, images: [] }), attestationChecks)), [
      'image.none',
    ]);
  });

  test('empty bank: an image was captured from it, and the host fills in the rest', async () => {
    const fresh = await bench.emptied(good);
    const log = buildLog([], ['sha256']);
    const pcrs = await pcrRead(fresh.tpm, 'sha256', quotedPcrs);
    assert.equal(new Set([...pcrs.values()].map(hex)).size, 1);
    const empty = await capture(fresh, log);
    const honest = await attempt(fresh, bench.group);
    const { ima_log: _ima, ...evidence } = { ...honest.evidence, event_log: base64url(log), pcrs: pcrText(pcrs) };
    const input = inputOf({ ...honest, evidence }, { ...policy, images: [activeRecord(empty)] });
    refusedBy(
      'eventlog.boot',
      [0, 4, 7].map((pcr) => ['eventlog.boot', pcr]),
      input,
    );
  });

  test('no checks, missing facts, a check that throws: each is a refusal', async () => {
    const input = inputOf(await attempt(evil, bench.group), policy);
    const broken = { id: 'boot.rules' as const, run: (): never => assert.fail('a fault of ours') };
    assert.equal(appraise(input, []).trusted, false);
    assert.equal(appraise(input, [broken]).trusted, false);
    assert.equal(appraise(input, attestationChecks.slice(3)).trusted, false);
  });

  const certificateOf = ({ identity }: BenchHost): Partial<Evidence> => ({
    ek_certificate: base64url(identity.certificate ?? new Uint8Array()),
  });
});

const validity = { notBefore: new Date('2026-01-01'), notAfter: new Date('2046-01-01') };

/** Number of entries of a log that ends here, undefined when it does not. */
function decodes(bytes: Uint8Array): number | undefined {
  try {
    return decodeImaLog(bytes).length;
  } catch {
    return undefined;
  }
}

function firstEntry(log: Uint8Array): number {
  let length = 1;
  while (decodes(log.subarray(0, length)) !== 1) length++;
  return length;
}
