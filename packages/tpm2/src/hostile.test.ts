import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from '@vouchsafe/bytes/codec';
import { concat, hex } from '@vouchsafe/bytes/hex';
import { everyBitFlip, everyTruncation, mutations } from '@vouchsafe/bytes/hostile';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { akTemplates } from './ak-template.ts';
import { decodeAttest, quoteInfoOf, TpmsAttest } from './attest.ts';
import { allocatedPcrs, handlesFrom } from './commands/get-capability.ts';
import { nvRead } from './commands/nv-read.ts';
import { pcrRead } from './commands/pcr-read.ts';
import { quote } from './commands/quote.ts';
import { createAk } from './create-ak.ts';
import { allEkTemplates } from './ek-template.ts';
import { TpmError } from './error.ts';
import { nameOf } from './name.ts';
import { decodeSelection, encodeSelection } from './pcr-selection.ts';
import { decodePublic, encodePublic } from './public.ts';
import { publicKeyOf } from './public-key.ts';
import { decodeSignature, encodeSignature } from './signature.ts';
import { sealed, storageRoot } from './storage-template.ts';
import { sampleQuote, softwareKey } from './testing/software-key.ts';
import { Swtpm, withoutSwtpm } from './testing/swtpm.ts';
import { Tpm } from './tpm.ts';
import { SocketTransport } from './transport/socket.ts';

const keys = [softwareKey('ecc'), softwareKey('rsa')];
const areas = [...allEkTemplates.map(({ area }) => area), ...Object.values(akTemplates), storageRoot, sealed()];
const publics = [...areas.map(encodePublic), ...keys.map(({ publicArea }) => publicArea)];
const attests = [sampleQuote(), ...certifications()];
const signatures = [
  ...keys.map((key) => key.sign(new Uint8Array(1))),
  encodeSignature({ sigAlg: 'hmac', signature: { hashAlg: 'sha256', digest: new Uint8Array(32) } }),
];
const selections = [
  encodeSelection([
    { hash: 'sha1', pcrSelect: [] },
    { hash: 'sha256', pcrSelect: [0, 23] },
  ]),
];

/** What each decoder is fed with, and what reads and writes it. */
const decoders: Record<string, { samples: Uint8Array[]; read: (bytes: Uint8Array) => unknown }> = {
  TPMT_PUBLIC: { samples: publics, read: (bytes) => encodePublic(decodePublic(bytes)) },
  TPMT_SIGNATURE: { samples: signatures, read: (bytes) => encodeSignature(decodeSignature(bytes)) },
  TPML_PCR_SELECTION: { samples: selections, read: decodeSelection },
  TPMS_ATTEST: { samples: attests, read: (bytes) => decode(TpmsAttest, bytes) },
  quote: { samples: attests.slice(0, 1), read: (bytes) => quoteInfoOf(decodeAttest(bytes)) },
  Name: { samples: publics, read: nameOf },
  key: { samples: publics, read: (bytes) => publicKeyOf(decodePublic(bytes)) },
};

function certifications(): Uint8Array[] {
  const name = new Uint8Array(34);
  return [sampleQuote({ type: 'certify', attested: { name, qualifiedName: name } })];
}

/** Runs `f` and lets it fail only in the ways that are announced. */
function harmless(f: () => unknown): void {
  try {
    f();
  } catch (error) {
    assert.ok(error instanceof DecodeError || error instanceof TpmError, String(error));
  }
}

for (const [name, { samples, read }] of Object.entries(decoders)) {
  test(`${name}: every truncation is refused, every bit flip and 3000 mutations do no harm`, () => {
    for (const sample of samples) {
      everyTruncation(sample, (cut) => assert.throws(() => read(cut), DecodeError));
      assert.throws(() => read(concat(sample, new Uint8Array(1))), DecodeError);
      everyBitFlip(sample.subarray(0, 160), (flipped) => harmless(() => read(flipped)));
    }
    mutations(samples, 2, 3_000, (bytes) => harmless(() => read(bytes)));
  });
}

test('public areas and signatures have one spelling: what decodes encodes to the same bytes', () => {
  const same = (read: (bytes: Uint8Array) => Uint8Array) => (bytes: Uint8Array) =>
    harmless(() => assert.equal(hex(read(bytes)), hex(bytes)));
  mutations(
    publics,
    3,
    3_000,
    same((bytes) => encodePublic(decodePublic(bytes))),
  );
  mutations(
    signatures,
    4,
    3_000,
    same((bytes) => encodeSignature(decodeSignature(bytes))),
  );
});

test('a TPM that answers nonsense does no harm', { skip: withoutSwtpm }, async () => {
  await using swtpm = await Swtpm.start();
  const answers = await recorded(swtpm);
  const mutated: Uint8Array[] = [];
  mutations(answers, 5, 2_000, (bytes) => mutated.push(fittingSize(bytes)));
  for (const attempt of attempts) {
    const tpm = new Tpm(nonsense(mutated), { wait: () => Promise.resolve() });
    for (let run = 0; run < 200; run++) await attempt(tpm).catch((error) => harmless(() => raise(error)));
  }
});

const attempts: ((tpm: Tpm) => Promise<unknown>)[] = [
  (tpm) => createAk(tpm),
  (tpm) => pcrRead(tpm, 'sha256', [0, 7]),
  (tpm) => handlesFrom(tpm, 0x80000000),
  (tpm) => allocatedPcrs(tpm),
  (tpm) => nvRead(tpm, 0x01c00002),
  (tpm) => quote(tpm, { handle: 0x80000000, name: new Uint8Array(34) }, new Uint8Array(32), []),
];

const raise = (error: unknown) => {
  throw error;
};

/** True answers to the attempts above. */
async function recorded(swtpm: Swtpm): Promise<Uint8Array[]> {
  const answers: Uint8Array[] = [];
  const transport = await SocketTransport.open(swtpm.address);
  const transmit = async (command: Uint8Array) => {
    const answer = await transport.transmit(command);
    answers.push(answer.slice());
    return answer;
  };
  const close = () => transport.close();
  await using tpm = new Tpm({ transmit, close, [Symbol.asyncDispose]: close });
  await using ak = await createAk(tpm);
  await quote(tpm, ak, new Uint8Array(32), [{ hash: 'sha256', pcrSelect: [0] }]);
  await pcrRead(tpm, 'sha256', [0, 7]);
  await handlesFrom(tpm, 0x80000000);
  await allocatedPcrs(tpm);
  return answers;
}

/** Writes the true size into the header, so that what lies behind it is read at all. */
function fittingSize(bytes: Uint8Array): Uint8Array {
  const out = concat(bytes, new Uint8Array(Math.max(0, 10 - bytes.length)));
  new DataView(out.buffer).setUint32(2, out.length);
  return out;
}

/** A TPM that gives the next of `answers` to whatever it is asked. */
function nonsense(answers: readonly Uint8Array[]) {
  let next = 0;
  return {
    transmit: () => Promise.resolve(answers[next++ % answers.length]!.slice()),
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
