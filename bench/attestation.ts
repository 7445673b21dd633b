/**
 * How much of the speed of its primitives a complete appraisal keeps, on one core: the challenge opened, the quote, an
 * event log of 120 events, EK certificate, policy and token, against one signature check, the hashes of quote and log
 * and one signature alone. Prints JSON.
 *
 *     node bench/attestation.ts [--rounds 800]
 *
 * `taskset -c 0` before it keeps all its threads on one core.
 */

import { createHash, createPublicKey, createSecretKey, randomUUID, sign, verify, X509Certificate } from 'node:crypto';
import { parseArgs } from 'node:util';
import { base64url } from '@vouchsafe/bytes/base64url';
import { hex } from '@vouchsafe/bytes/hex';
import { appraise } from '@vouchsafe/domain/attestation/appraisal';
import { captureImage } from '@vouchsafe/domain/attestation/capture';
import { type Challenge, openChallenge, sealChallenge } from '@vouchsafe/domain/attestation/challenge';
import { attestationChecks } from '@vouchsafe/domain/attestation/checks/table';
import { ekHash } from '@vouchsafe/domain/attestation/ek';
import { decodeEvidence } from '@vouchsafe/domain/attestation/evidence';
import { extraData } from '@vouchsafe/domain/attestation/extra-data';
import { freshPolicy } from '@vouchsafe/domain/attestation/fresh-policy';
import type { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import type { WholeEvidence } from '@vouchsafe/domain/attestation/messages';
import { type AttestationPolicy, quotedPcrs } from '@vouchsafe/domain/attestation/policy';
import { signToken } from '@vouchsafe/domain/attestation/token';
import { tokenClaims } from '@vouchsafe/domain/attestation/token-claims';
import { trustIn } from '@vouchsafe/domain/attestation/tpm-trust';
import { groupOf } from '@vouchsafe/domain/group/group';
import { jwkOf, newPair } from '@vouchsafe/domain/keys/jwk';
import { createAuthority, issue } from '@vouchsafe/domain/x509/authority';
import { readCertificate } from '@vouchsafe/domain/x509/certificate';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { initialValue, replay } from '@vouchsafe/eventlog/replay';
import { boot } from '@vouchsafe/eventlog/testing/boot';
import { buildLog, type EventInput } from '@vouchsafe/eventlog/testing/build';
import { ekTemplates } from '@vouchsafe/tpm2/ek-template';
import { encodePublic } from '@vouchsafe/tpm2/public';
import { quoteDigest } from '@vouchsafe/tpm2/quote-digest';
import { sampleQuote, softwareKey } from '@vouchsafe/tpm2/testing/software-key';

const events = 120;
const now = 1_790_000_000;
const together = 16;
const validity = { notBefore: new Date('2026-01-01'), notAfter: new Date('2046-01-01') };

/** A boot with as many events as a server with a few option ROMs logs. */
function eventLog(): Uint8Array {
  const base = boot;
  const filler = Array.from(
    { length: events - base.length - 1 },
    (_, i): EventInput => ({
      pcr: 8,
      type: 'EV_IPL',
      data: `grub_cmd: command number ${i} of the configuration\0`,
      measured: `command number ${i} of the configuration`,
    }),
  );
  return buildLog([...base, ...filler], ['sha256']);
}

async function prepare() {
  const log = eventLog();
  const replayed = replay(decodeLog(log), 'sha256');
  const pcrs = new Map(quotedPcrs.map((pcr) => [pcr, replayed.get(pcr) ?? initialValue('sha256', pcr)]));
  const image = captureImage({ name: 'golden', version: '1', eventLog: log, pcrs, now: new Date(now * 1000) });
  const ca = await createAuthority({ name: 'group', ...validity });
  const group = groupOf(ca.certificatePem);
  const signing = newPair();
  const uri = ['urn:vouchsafe:role:attestd'];
  const certificate = new X509Certificate(
    await issue({
      authority: ca,
      publicKey: signing.publicKey,
      subject: 'attestd',
      usages: ['sign'],
      sans: { uri },
      ...validity,
    }),
  );
  const maker = await createAuthority({ name: 'TPM maker', ...validity });
  const ekPair = newPair();
  const { x, y } = jwkOf(ekPair.publicKey);
  const unique = { x: Buffer.from(x, 'base64url'), y: Buffer.from(y, 'base64url') };
  const ekPublic = encodePublic({ ...ekTemplates['L-2'].area, unique } as Parameters<typeof encodePublic>[0]);
  const ekCertificate = new X509Certificate(
    await issue({ authority: maker, publicKey: ekPair.publicKey, subject: 'ek', usages: ['agree'], ...validity }),
  );
  const ak = softwareKey('ecc');
  const key = createSecretKey(Buffer.alloc(32, 7));
  const challenge: Challenge = {
    nonce: new Uint8Array(32).fill(1),
    secret: new Uint8Array(32).fill(2),
    ek: ekHash(ekPublic),
    ekPublic,
    ak: ak.publicArea,
    bank: 'sha256',
    pcrs: [...quotedPcrs],
    epoch: 0,
    exp: now + 60,
    jti: randomUUID(),
  };
  const claims = Buffer.from(
    JSON.stringify({
      sig: jwkOf(newPair().publicKey),
      enc: jwkOf(newPair().publicKey),
      group: group.id,
      agent: 'bench',
    }),
  );
  const pcrSelect = [{ hash: 'sha256' as const, pcrSelect: [...quotedPcrs] }];
  const attest = sampleQuote({
    extraData: extraData(challenge.nonce, challenge.secret, claims),
    attested: { pcrSelect, pcrDigest: quoteDigest(pcrSelect, { sha256: pcrs }, 'sha256') },
  });
  const evidence: WholeEvidence = {
    challenge: sealChallenge(key, challenge),
    claims: base64url(claims),
    attest: base64url(attest),
    signature: base64url(ak.sign(attest)),
    ek_certificate: base64url(ekCertificate.raw),
    pcrs: Object.fromEntries([...pcrs].map(([pcr, value]) => [String(pcr), hex(value)])),
    event_log: base64url(log),
  };
  const host: HostRecord = {
    ek: challenge.ek,
    name: 'host',
    scope: 'bench',
    state: 'approved',
    tpm: 'hardware',
    enrolled: 'approved',
    by: 'bench',
    since: '',
  };
  const trust = trustIn({
    name: 'maker',
    chain: [readCertificate(new X509Certificate(maker.certificatePem).raw)],
    virtual: false,
  });
  const policy: AttestationPolicy = { ...freshPolicy(group), trust, images: [activeRecord(image)] };
  return { key, evidence, host, policy, signer: { key: signing.privateKey, certificate }, attest, ak, log };
}

type Prepared = Awaited<ReturnType<typeof prepare>>;

async function whole({ key, evidence, host, policy, signer }: Prepared): Promise<void> {
  const challenge = openChallenge(key, evidence.challenge, now);
  const input = {
    challenge,
    evidence: decodeEvidence(evidence),
    policy,
    host,
    lastBoot: undefined,
    now,
    consume: () => true,
  };
  const { trusted, findings, appraisal } = appraise(input, attestationChecks);
  if (!trusted) throw new Error(JSON.stringify(findings));
  await signToken(
    signer.key,
    signer.certificate,
    tokenClaims(appraisal, { instance: 'bench', now, jti: randomUUID() }),
  );
}

/** What cannot be done without: one check, one signature, and a hash of every event's data and of every extension. */
function primitives({ attest, ak, log, signer }: Prepared): () => void {
  const key = createPublicKey(ak.privateKey);
  const options = { key, dsaEncoding: 'ieee-p1363' } as const;
  const signature = sign('sha256', attest, { key: ak.privateKey, dsaEncoding: 'ieee-p1363' });
  const data = decodeLog(log).events.map((event) => event.data);
  const token = Buffer.alloc(1200, 1);
  const pair = Buffer.alloc(64, 2);
  return () => {
    if (!verify('sha256', attest, options, signature)) throw new Error('signature');
    for (const each of data) {
      createHash('sha256').update(each).digest();
      createHash('sha256').update(pair).digest();
    }
    sign('sha256', token, { key: signer.key, dsaEncoding: 'ieee-p1363' });
  };
}

/** Rounds a second; several are under way at once, as in a server, so that no core waits for a thread. */
async function rate(rounds: number, f: () => unknown): Promise<number> {
  const seconds: number[] = [];
  for (let run = 0; run < 5; run++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < rounds; i += together) await Promise.all(Array.from({ length: together }, f));
    seconds.push(Number(process.hrtime.bigint() - start) / 1e9);
  }
  return Math.round(rounds / Math.min(...seconds));
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '800' } } });
const rounds = Number(values.rounds);
const prepared = await prepare();
const bare = await rate(rounds, primitives(prepared));
const complete = await rate(rounds, () => whole(prepared));
process.stdout.write(
  `${JSON.stringify({ events, primitivesPerSecond: bare, appraisalsPerSecond: complete, ratio: Math.round((100 * complete) / bare) / 100 })}\n`,
);
