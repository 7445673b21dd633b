import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex } from '@vouchsafe/bytes/hex';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { akFaults } from '@vouchsafe/tpm2/ak-faults';
import { akTemplates } from '@vouchsafe/tpm2/ak-template';
import { certifyInfoOf, decodeAttest, quoteInfoOf } from '@vouchsafe/tpm2/attest';
import { allocatedPcrs, handlesFrom } from '@vouchsafe/tpm2/commands/get-capability';
import { getRandom } from '@vouchsafe/tpm2/commands/get-random';
import { nvRead } from '@vouchsafe/tpm2/commands/nv-read';
import { pcrRead } from '@vouchsafe/tpm2/commands/pcr-read';
import { quote } from '@vouchsafe/tpm2/commands/quote';
import { readClock } from '@vouchsafe/tpm2/commands/read-clock';
import { readPublic } from '@vouchsafe/tpm2/commands/read-public';
import { createAk } from '@vouchsafe/tpm2/create-ak';
import { ekCertificates } from '@vouchsafe/tpm2/ek-certificates';
import { allEkTemplates, ekTemplates } from '@vouchsafe/tpm2/ek-template';
import { TpmError } from '@vouchsafe/tpm2/error';
import { inspectAttest, inspectPublic } from '@vouchsafe/tpm2/inspect';
import { makeCredential } from '@vouchsafe/tpm2/make-credential';
import { nameOf } from '@vouchsafe/tpm2/name';
import { decodePublic, encodePublic, type PublicOf, type TpmtPublic } from '@vouchsafe/tpm2/public';
import { spkiOf } from '@vouchsafe/tpm2/public-key';
import { magicFault, pcrDigestFault, selectionFault, typeFault } from '@vouchsafe/tpm2/quote-faults';
import { decodeSignature, encodeSignature } from '@vouchsafe/tpm2/signature';
import { signatureFault } from '@vouchsafe/tpm2/signature-fault';
import { sealed, storageRoot } from '@vouchsafe/tpm2/storage-template';
import { sampleQuote, softwareKey } from '@vouchsafe/tpm2/testing/software-key';
import { Tpm } from '@vouchsafe/tpm2/tpm';
import { ofCorpus } from '../corpus.ts';
import { type MakeTargets, oneOfClasses, type Target } from '../target.ts';

const refuses = oneOfClasses(DecodeError, TpmError);
const keys = [softwareKey('ecc'), softwareKey('rsa')];
const attest = sampleQuote();
/** An endorsement key whose point is one of the curve. */
const endorsementKey = encodePublic({
  ...ekTemplates['L-2'].area,
  unique: (keys[0]!.area as PublicOf<'ecc'>).unique,
} as TpmtPublic);
const certified = { name: new Uint8Array(34), qualifiedName: new Uint8Array(34) };
const zeros = new Map([0, 7].map((pcr) => [pcr, new Uint8Array(32)]));

const publicArea: Target = {
  name: 'tpmt-public',
  samples: [
    ...keys.map((key) => key.publicArea),
    endorsementKey,
    ...[...allEkTemplates.map(({ area }) => area), ...Object.values(akTemplates), storageRoot, sealed()].map(
      encodePublic,
    ),
  ],
  run(bytes) {
    const area = decodePublic(bytes);
    inspectPublic(bytes);
    akFaults(area);
    nameOf(bytes);
    spkiOf(area);
    if (area.objectAttributes.decrypt) makeCredential(bytes, new Uint8Array(34), new Uint8Array(32));
  },
  refuses,
};

const attestation: Target = {
  name: 'tpms-attest',
  samples: [attest, sampleQuote({ type: 'certify', attested: certified }), ...ofCorpus('quotes', /./)],
  run(bytes) {
    const frame = decodeAttest(bytes);
    inspectAttest(bytes);
    magicFault(frame);
    if (typeFault(frame, 'certify') === undefined) certifyInfoOf(frame);
    if (typeFault(frame) !== undefined) return;
    const info = quoteInfoOf(frame);
    selectionFault(info, 'sha256', [0, 7]);
    pcrDigestFault(info, { sha256: zeros }, 'sha256');
  },
  refuses,
};

const signature: Target = {
  name: 'tpmt-signature',
  samples: [
    ...keys.map((key) => key.sign(attest)),
    encodeSignature({ sigAlg: 'hmac', signature: { hashAlg: 'sha256', digest: new Uint8Array(32) } }),
  ],
  run(bytes) {
    for (const { area } of keys) signatureFault(attest, decodeSignature(bytes), area);
  },
  refuses,
};

const attempts: readonly ((tpm: Tpm) => Promise<unknown>)[] = [
  (tpm) => createAk(tpm),
  (tpm) => quote(tpm, { handle: 0x80000000, name: new Uint8Array(34) }, new Uint8Array(32), []),
  (tpm) => pcrRead(tpm, 'sha256', [0, 7]),
  (tpm) => handlesFrom(tpm, 0x80000000),
  (tpm) => allocatedPcrs(tpm),
  (tpm) => getRandom(tpm, 16),
  (tpm) => nvRead(tpm, 0x01c00002),
  (tpm) => readPublic(tpm, 0x81010001),
  (tpm) => readClock(tpm),
  (tpm) => ekCertificates(tpm),
];

/** No call asks more often than this when it is always given the same answer. */
const mostCommands = 256;

/** A TPM that always says the same. */
function parrot(answer: Uint8Array) {
  let asked = 0;
  return {
    transmit() {
      asked++;
      if (asked > mostCommands) throw new Error(`more than ${mostCommands} commands for one call`);
      return Promise.resolve(answer.slice());
    },
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** The first byte says what is asked; the rest is the answer, with its true size in its header. */
const response: Target = {
  name: 'tpm-response',
  samples: readFileSync(join(import.meta.dirname, '../testdata/tpm-responses.txt'), 'utf8')
    .trim()
    .split('\n')
    .flatMap((line) => attempts.map((_, i) => fromHex(i.toString(16).padStart(2, '0') + line))),
  async run(bytes) {
    const answer = bytes.slice(1);
    if (answer.length >= 6) new DataView(answer.buffer).setUint32(2, answer.length);
    const tpm = new Tpm(parrot(answer), { wait: () => Promise.resolve() });
    await attempts[(bytes[0] ?? 0) % attempts.length]!(tpm);
  },
  refuses,
};

/** What a TPM says, and what a host says that its TPM said. */
export const make: MakeTargets = () => [publicArea, attestation, signature, response];
