import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { akFaults } from './ak-faults.ts';
import { decodeAttest, quoteInfoOf } from './attest.ts';
import { activateCredential } from './commands/activate-credential.ts';
import { handlesFrom } from './commands/get-capability.ts';
import { pcrExtend } from './commands/pcr-extend.ts';
import { pcrRead } from './commands/pcr-read.ts';
import { quote } from './commands/quote.ts';
import { createAk } from './create-ak.ts';
import { createEk } from './create-ek.ts';
import { allEkTemplates, matchTemplate } from './ek-template.ts';
import { hierarchy } from './entity.ts';
import { makeCredential } from './make-credential.ts';
import { nameOf, qualifiedNameOf } from './name.ts';
import { decodePublic } from './public.ts';
import {
  extraDataFault,
  magicFault,
  pcrDigestFault,
  qualifiedSignerFault,
  selectionFault,
  typeFault,
} from './quote-faults.ts';
import { decodeSignature } from './signature.ts';
import { signatureFault } from './signature-fault.ts';
import { signingSchemeOf } from './signing-scheme.ts';
import { Swtpm, withoutSwtpm } from './testing/swtpm.ts';

test('an attestation key is activated under every EK template and quotes', { skip: withoutSwtpm }, async () => {
  await using swtpm = await Swtpm.start();
  await using tpm = await swtpm.connect();
  const pcrs = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  await pcrExtend(tpm, 8, [{ hashAlg: 'sha256', digest: new Uint8Array(32).fill(7) }]);
  for (const [i, template] of allEkTemplates.entries()) {
    await using ek = await createEk(tpm, template.name);
    await using ak = await createAk(tpm, { type: i % 2 === 0 ? 'ecc' : 'rsa' });
    const area = decodePublic(ak.publicArea);
    assert.equal(matchTemplate(decodePublic(ek.publicArea))?.name, template.name);
    assert.deepEqual(akFaults(area), []);

    const secret = new Uint8Array(randomBytes(32));
    using got = await activateCredential(tpm, ak, ek, makeCredential(ek.publicArea, nameOf(ak.publicArea), secret));
    assert.deepEqual(
      got.use((bytes) => bytes.slice()),
      secret,
    );

    const nonce = new Uint8Array(randomBytes(32));
    const { attest, signature } = await quote(tpm, ak, nonce, [{ hash: 'sha256', pcrSelect: pcrs }]);
    const frame = decodeAttest(attest);
    const values = { sha256: await pcrRead(tpm, 'sha256', pcrs) };
    const info = quoteInfoOf(frame);
    const expectedSigner = qualifiedNameOf(hierarchy('endorsement').name, ak.name);
    assert.deepEqual(
      [
        magicFault(frame),
        typeFault(frame),
        extraDataFault(frame, nonce),
        qualifiedSignerFault(frame, expectedSigner),
        selectionFault(info, 'sha256', pcrs),
        pcrDigestFault(info, values, signingSchemeOf(area).hash),
        signatureFault(attest, decodeSignature(signature), area),
      ].filter((fault) => fault !== undefined),
      [],
    );
  }
  assert.deepEqual(await handlesFrom(tpm, 0x80000000), [], 'nothing is left in the slots');
});
