import { X509Certificate } from 'node:crypto';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { concat, hex } from '@vouchsafe/bytes/hex';
import { captureImage } from '@vouchsafe/domain/attestation/capture';
import { ekHash } from '@vouchsafe/domain/attestation/ek';
import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import { ChallengeRequest, Evidence } from '@vouchsafe/domain/attestation/messages';
import { quotedPcrs } from '@vouchsafe/domain/attestation/policy';
import { jwkOf } from '@vouchsafe/domain/keys/jwk';
import { jsonReader } from '@vouchsafe/domain/parse';
import { issue } from '@vouchsafe/domain/x509/authority';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { initialValue, replay } from '@vouchsafe/eventlog/replay';
import { boot } from '@vouchsafe/eventlog/testing/boot';
import { buildLog } from '@vouchsafe/eventlog/testing/build';
import { buildIma } from '@vouchsafe/eventlog/testing/ima';
import { AttestationService } from '@vouchsafe/services/attestd/attestation-service';
import { AttestationConfiguration } from '@vouchsafe/services/attestd/configuration';
import { testMembership } from '@vouchsafe/services/host/testing/membership';
import { ConfigStore } from '@vouchsafe/store/config-store';
import { ekTemplates } from '@vouchsafe/tpm2/ek-template';
import { encodePublic, type TpmtPublic } from '@vouchsafe/tpm2/public';
import { quoteDigest } from '@vouchsafe/tpm2/quote-digest';
import { sampleQuote, softwareKey } from '@vouchsafe/tpm2/testing/software-key';
import { problemsOf } from '../problems.ts';
import { fixedPair, now, site, tpmMaker, validity } from '../site.ts';
import { json, jsonWords, type MakeTargets, text, wordsOf } from '../target.ts';

const readRequest = jsonReader('challenge request', ChallengeRequest);
const readEvidence = jsonReader('evidence', Evidence);
const noSealer = { seal: () => new Uint8Array(), open: () => undefined as never };

/** An Attestation Service whose policy admits one host, and everything that host says. */
async function prepare() {
  const { group, attestd } = await site();
  const maker = await tpmMaker();
  const pair = fixedPair(5);
  const { x, y } = jwkOf(pair.publicKey);
  const unique = { x: fromBase64url(x), y: fromBase64url(y) };
  const ekPublic = encodePublic({ ...ekTemplates['L-2'].area, unique } as TpmtPublic);
  const order = { authority: maker, publicKey: pair.publicKey, subject: 'ek', serial: '04', ...validity };
  const ekCertificate = new X509Certificate(await issue({ ...order, usages: ['agree'] }));
  const ak = softwareKey('ecc');
  const log = buildLog(boot, ['sha256']);
  const replayed = replay(decodeLog(log), 'sha256');
  const pcrs = new Map(quotedPcrs.map((pcr) => [pcr, replayed.get(pcr) ?? initialValue('sha256', pcr)]));
  const pcrSelect = [{ hash: 'sha256' as const, pcrSelect: [...quotedPcrs] }];
  const configuration = new AttestationConfiguration(ConfigStore.open(':memory:', noSealer));
  configuration.addAuthority('maker', { certs: [maker.certificatePem], virtual: false });
  const image = captureImage({ name: 'golden', version: '1', eventLog: log, pcrs, now: new Date(now * 1000) });
  configuration.addImage(activeRecord(image));
  const ek = ekHash(ekPublic);
  const of = { ek, name: 'host', scope: 'default', by: 'fuzz', since: '' };
  configuration.putHost({ ...of, state: 'approved', tpm: 'hardware', enrolled: 'approved' });
  let time = now;
  const service = new AttestationService({
    instance: 'fuzz',
    group,
    membership: testMembership(),
    configuration,
    signer: () => attestd,
    boots: { last: () => undefined, put: () => undefined },
    audit: () => undefined,
    now: () => time++,
  });
  const request = { ek: { public: base64url(ekPublic) }, ak: base64url(ak.publicArea), banks: ['sha256'] };
  const claims = {
    sig: jwkOf(fixedPair(7).publicKey),
    enc: jwkOf(fixedPair(8).publicKey),
    group: group.id,
    agent: 'a',
  };
  const quoted = { pcrSelect, pcrDigest: quoteDigest(pcrSelect, { sha256: pcrs }, 'sha256') };
  const attest = sampleQuote({ attested: quoted });
  const evidence: Evidence = {
    challenge: '',
    claims: base64url(json(claims)),
    attest: base64url(attest),
    signature: base64url(ak.sign(attest)),
    ek_certificate: base64url(ekCertificate.raw),
    intermediates: [base64url(new X509Certificate(maker.certificatePem).raw)],
    pcrs: Object.fromEntries([...pcrs].map(([pcr, value]) => [String(pcr), hex(value)])),
    event_log: base64url(log),
    ima_log: base64url(buildIma([{ template: 'ima-ng', digest: new Uint8Array(32), name: 'boot_aggregate' }])),
  };
  return { service, request, evidence, ak };
}

const fields = ['claims', 'attest', 'signature', 'ek_certificate', 'event_log', 'ima_log'] as const;

/**
 * Both rounds of an attestation. `attestation-fields` changes the octets of one field (its first byte says which) and
 * signs the quote anew, as a host would whose TPM obeys it: so the checks behind the signature are reached.
 */
export const make: MakeTargets = async () => {
  const { service, request, evidence, ak } = await prepare();
  const begun = async () => (await service.begin(request)).challenge;
  const words = [...jsonWords, ...wordsOf('"public":', '"certificate":', '"intermediates":', '"banks":', '"pcrs":')];
  return [
    {
      name: 'attestation-begin',
      samples: [json(request), json({ ...request, ek: { ...request.ek, certificate: evidence.ek_certificate } })],
      words,
      run: (bytes) => service.begin(readRequest(text(bytes))),
      refuses: problemsOf('input.malformed', 'input.invalid'),
    },
    {
      name: 'attestation-report',
      samples: [json(evidence)],
      words,
      async run(bytes) {
        const read = readEvidence(text(bytes));
        await service.report(read.challenge === '' ? { ...read, challenge: await begun() } : read);
      },
      refuses: problemsOf('input.malformed', 'input.invalid', 'challenge.elsewhere', 'evidence.unknown'),
    },
    {
      name: 'attestation-fields',
      samples: fields.map((field, i) => concat(Uint8Array.of(i), fromBase64url(evidence[field] ?? ''))),
      async run(bytes) {
        const field = fields[(bytes[0] ?? 0) % fields.length]!;
        const changed = { ...evidence, [field]: base64url(bytes.subarray(1)), challenge: await begun() };
        if (field === 'attest') changed.signature = base64url(ak.sign(bytes.subarray(1)));
        await service.report(changed);
      },
      refuses: problemsOf('input.malformed'),
    },
  ];
};
