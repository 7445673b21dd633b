import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { base64url } from '@vouchsafe/bytes/base64url';
import { type AppraisalInput, type Appraised, appraise } from '@vouchsafe/domain/attestation/appraisal';
import { attestationChecks } from '@vouchsafe/domain/attestation/checks/table';
import { decodeEvidence } from '@vouchsafe/domain/attestation/evidence';
import { extraData } from '@vouchsafe/domain/attestation/extra-data';
import { HeldLog } from '@vouchsafe/domain/attestation/held-log';
import type { Evidence } from '@vouchsafe/domain/attestation/messages';
import { newChallenge } from '@vouchsafe/domain/attestation/new-challenge';
import { banksInHex, valuesInHex } from '@vouchsafe/domain/attestation/pcr-values';
import { firmwarePcrs, quotedPcrs } from '@vouchsafe/domain/attestation/policy';
import { jwkOf, newPair } from '@vouchsafe/domain/keys/jwk';
import { issue } from '@vouchsafe/domain/x509/authority';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { initialValue, replay } from '@vouchsafe/eventlog/replay';
import { boot } from '@vouchsafe/eventlog/testing/boot';
import { buildLog } from '@vouchsafe/eventlog/testing/build';
import { SoftwareTpm } from '@vouchsafe/tpm2/testing/software-tpm';
import { catalogueTime, catalogueValidity, createWorld, recordOf, type World } from '../catalogue/honest.ts';
import { without } from './without.ts';

type Values = Map<number, Uint8Array>;
type OtherValues = ReadonlyMap<'sha1' | 'sha384', Values>;

const logged = (log: Uint8Array, bank: 'sha1' | 'sha256' | 'sha384', pcrs: readonly number[]): Values => {
  const replayed = replay(decodeLog(log), bank);
  return new Map(pcrs.map((pcr) => [pcr, replayed.get(pcr) ?? initialValue(bank, pcr)]));
};
const empty = (bank: 'sha1' | 'sha384'): Values => new Map(firmwarePcrs.map((pcr) => [pcr, initialValue(bank, pcr)]));

describe('banks beside SHA-256', () => {
  let world: World;
  let tpm: SoftwareTpm;
  let certificate: string;

  before(async () => {
    world = await createWorld();
    tpm = new SoftwareTpm();
    const order = { authority: world.maker, publicKey: tpm.ekKey, subject: 'ek', usages: ['agree'] as const };
    certificate = base64url(new X509Certificate(await issue({ ...order, ...catalogueValidity })).raw);
  });

  interface Booted {
    /** Banks of the event log. */
    readonly log?: readonly ('sha1' | 'sha256' | 'sha384')[];
    /** Banks that the agent says the TPM has. */
    readonly offers?: readonly string[];
    /** What stands in the other banks of the TPM. */
    readonly banks?: OtherValues;
    readonly settings?: { require_every_bank?: boolean };
    readonly reference?: { eventLog: string; log: HeldLog };
  }

  /** What a service appraises of a host whose agent does as it is asked. */
  function inputOf({
    log = ['sha1', 'sha256'],
    offers = ['sha256'],
    banks = new Map(),
    ...more
  }: Booted): AppraisalInput {
    const eventLog = buildLog(boot, log);
    const request = {
      ek: { public: base64url(tpm.ekPublic), certificate, intermediates: [] },
      ak: base64url(tpm.ak.publicArea),
      banks: [...offers],
    };
    const seed = { nonce: new Uint8Array(32).fill(1), secret: new Uint8Array(32).fill(2), epoch: 0, jti: 'j' };
    const { challenge, told } = newChallenge(request, { ...seed, exp: catalogueTime + 60 });
    const [sig, enc] = [jwkOf(newPair().publicKey), jwkOf(newPair().publicKey)];
    const claims = Buffer.from(JSON.stringify({ sig, enc, group: world.policy.group.id, agent: 'x' }));
    const sha256 = logged(eventLog, 'sha256', quotedPcrs);
    const others = new Map((told.banks ?? []).map((bank) => [bank, banks.get(bank as 'sha1') ?? new Map()]));
    const select = [
      { hash: 'sha256' as const, pcrSelect: [...quotedPcrs] },
      ...[...others.keys()].map((hash) => ({ hash, pcrSelect: [...firmwarePcrs] })),
    ];
    const signed = tpm.quote(extraData(seed.nonce, seed.secret, claims), select, {
      sha256,
      ...Object.fromEntries(others),
    });
    const evidence: Evidence = {
      claims: base64url(claims),
      attest: base64url(signed.attest),
      signature: base64url(signed.signature),
      ek_certificate: certificate,
      pcrs: valuesInHex(sha256),
      ...(others.size === 0 ? {} : { banks: banksInHex(others) }),
      ...(more.reference === undefined
        ? { event_log: base64url(eventLog) }
        : { event_log_sha256: more.reference.eventLog }),
    };
    return {
      challenge,
      evidence: decodeEvidence(evidence),
      policy: { ...world.policy, settings: { ...world.policy.settings, ...more.settings } },
      host: recordOf(tpm.ekPublic),
      lastBoot: undefined,
      now: catalogueTime,
      consume: () => true,
      ...(more.reference === undefined ? {} : { held: () => more.reference!.log }),
    };
  }

  const found = ({ findings }: Appraised) =>
    findings.filter(({ check }) => check.startsWith('bank.')).map(({ severity, check, pcr }) => [severity, check, pcr]);
  const both = { offers: ['sha256', 'sha1'] };
  const honest = (): OtherValues =>
    new Map([['sha1', logged(buildLog(boot, ['sha1', 'sha256']), 'sha1', firmwarePcrs)]]);

  test('an honest host quotes all that its TPM has', () => {
    const verdict = appraise(inputOf({ ...both, banks: honest() }), attestationChecks);
    assert.deepEqual([verdict.trusted, found(verdict)], [true, []]);
  });

  test('the golden log in a bank that the firmware left empty: the bank that it did measure into tells', () => {
    const real = buildLog(
      boot.map((event) => (event.pcr === 4 ? { ...event, measured: 'another loader' } : event)),
      ['sha1'],
    );
    const input = inputOf({ ...both, banks: new Map([['sha1', logged(real, 'sha1', firmwarePcrs)]]) });
    const verdict = appraise(input, attestationChecks);
    assert.deepEqual([verdict.trusted, found(verdict)], [false, [['fail', 'bank.disagrees', 4]]]);
    assert.equal(appraise(input, without('eventlog.banks')).trusted, true);
  });

  test('an empty bank that the log has digests for', () => {
    const verdict = appraise(inputOf({ ...both, banks: new Map([['sha1', empty('sha1')]]) }), attestationChecks);
    assert.deepEqual([verdict.trusted, found(verdict)], [false, [['fail', 'bank.empty', undefined]]]);
  });

  test('a bank that only the TPM has, and one that only the log has: noted, or refused where the settings say so', () => {
    const cases: [Booted, string][] = [
      [{ log: ['sha256'], ...both, banks: new Map([['sha1', empty('sha1')]]) }, 'bank.unlogged'],
      [{ offers: ['sha256'] }, 'bank.unquoted'],
    ];
    for (const [booted, check] of cases) {
      const noted = appraise(inputOf(booted), attestationChecks);
      assert.deepEqual([noted.trusted, found(noted)], [true, [['info', check, undefined]]]);
      const strict = appraise(inputOf({ ...booted, settings: { require_every_bank: true } }), attestationChecks);
      assert.deepEqual([strict.trusted, found(strict)], [false, [['fail', check, undefined]]]);
    }
  });

  test('a quote without a bank that was offered, or values that it does not cover', () => {
    const input = inputOf({ ...both, banks: honest() });
    const dropped = { ...input, evidence: { ...input.evidence, banks: new Map() } };
    const forged = new Map([['sha1' as const, new Map([...empty('sha1')])]]);
    for (const evidence of [dropped.evidence, { ...input.evidence, banks: forged }]) {
      const verdict = appraise({ ...input, evidence }, attestationChecks);
      const failures = verdict.findings.filter(({ severity }) => severity === 'fail');
      assert.deepEqual(
        failures.map(({ check }) => check),
        ['quote.digest'],
      );
    }
    const alone = inputOf({});
    const verdict = appraise({ ...alone, challenge: { ...alone.challenge, banks: ['sha1'] } }, attestationChecks);
    assert.ok(verdict.findings.some(({ check }) => check === 'quote.selection'));
  });

  test('by reference the other banks are compared too', () => {
    const full = appraise(inputOf({ ...both, banks: honest() }), attestationChecks);
    const values = new Map<'sha256' | 'sha1', ReadonlyMap<number, Uint8Array>>([
      ['sha256', full.appraisal.get('pcrs')],
      ...full.appraisal.get('bankValues'),
    ] as never);
    const eventLog = 'ab'.repeat(32);
    const log = new HeldLog({ sha256: eventLog, image: 'golden', findings: full.ofLog, values, banks: ['sha1'] });
    const again = appraise(inputOf({ ...both, banks: honest(), reference: { eventLog, log } }), attestationChecks);
    assert.deepEqual([again.trusted, again.wantsLogs], [true, false]);
    const other = new Map([['sha1' as const, empty('sha1')]]);
    const changed = appraise(inputOf({ ...both, banks: other, reference: { eventLog, log } }), attestationChecks);
    assert.deepEqual([changed.trusted, changed.wantsLogs], [false, true]);
  });
});
