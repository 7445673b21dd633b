import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { hex } from '@vouchsafe/bytes/hex';
import type { AkType } from './ak-template.ts';
import { decodeAttest, quoteInfoOf } from './attest.ts';
import { activateCredential } from './commands/activate-credential.ts';
import { evictControl } from './commands/evict-control.ts';
import { pcrRead } from './commands/pcr-read.ts';
import { quote } from './commands/quote.ts';
import { readPublic } from './commands/read-public.ts';
import { createAk } from './create-ak.ts';
import { createEk, openEk, persistentEks } from './create-ek.ts';
import type { EkTemplateName } from './ek-template.ts';
import { makeCredential } from './make-credential.ts';
import { nameOf } from './name.ts';
import { decodePublic } from './public.ts';
import { spkiOf } from './public-key.ts';
import { extraDataFault, magicFault, pcrDigestFault, typeFault } from './quote-faults.ts';
import { decodeSignature } from './signature.ts';
import { signatureFault } from './signature-fault.ts';
import { signingSchemeOf } from './signing-scheme.ts';
import { Swtpm, withoutTools } from './testing/swtpm.ts';
import { file, tool } from './testing/tools.ts';

// Interoperation with tpm2-tools, an implementation that shares no code with this one.

const ekHandle = 0x81010001;
const akHandle = 0x81010002;
const types: readonly AkType[] = ['ecc', 'rsa'];
const eks: Record<AkType, EkTemplateName> = { ecc: 'L-2', rsa: 'L-1' };
const pem = (spki: Uint8Array) =>
  `-----BEGIN PUBLIC KEY-----\n${Buffer.from(spki)
    .toString('base64')
    .replace(/.{64}/g, '$&\n')}\n-----END PUBLIC KEY-----\n`;
const sized = (bytes: Uint8Array) => Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
/** The file format of tpm2_makecredential: a magic, a version, TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET. */
const credentialHeader = Buffer.from('badcc0de00000001', 'hex');

/** Makes an EK and an AK of ours persistent, so that the tools find them. */
async function persist(swtpm: Swtpm, type: AkType): Promise<void> {
  await using tpm = await swtpm.connect();
  await using ek = await createEk(tpm, eks[type]);
  await evictControl(tpm, 'owner', ek, ekHandle);
  await using ak = await createAk(tpm, { type });
  await evictControl(tpm, 'owner', ak, akHandle);
}

for (const type of types) {
  test(`tpm2_checkquote accepts a quote of ours (${type})`, { skip: withoutTools }, async () => {
    await using swtpm = await Swtpm.start();
    const nonce = new Uint8Array(randomBytes(20));
    const other = new Uint8Array(randomBytes(20));
    {
      await using tpm = await swtpm.connect();
      await using ak = await createAk(tpm, { type });
      const { attest, signature } = await quote(tpm, ak, nonce, [{ hash: 'sha256', pcrSelect: [0, 7, 16] }]);
      await writeFile(file(swtpm, 'quote.msg'), attest);
      await writeFile(file(swtpm, 'quote.sig'), signature);
      await writeFile(file(swtpm, 'ak.pem'), pem(spkiOf(decodePublic(ak.publicArea))));
    }
    const check = (qualification: Uint8Array) =>
      tool(
        swtpm,
        'tpm2_checkquote',
        '-u',
        'ak.pem',
        '-m',
        'quote.msg',
        '-s',
        'quote.sig',
        '-g',
        'sha256',
        '-q',
        hex(qualification),
      );
    await check(nonce);
    await assert.rejects(check(other));
  });

  test(`a quote of tpm2_quote passes the checks (${type})`, { skip: withoutTools }, async () => {
    await using swtpm = await Swtpm.start();
    const nonce = new Uint8Array(randomBytes(32));
    await tool(swtpm, 'tpm2_createek', '-c', 'ek.ctx', '-G', type, '-u', 'ek.pub');
    await tool(swtpm, 'tpm2_flushcontext', '-t');
    const scheme = type === 'rsa' ? 'rsassa' : 'ecdsa';
    await tool(
      swtpm,
      'tpm2_createak',
      '-C',
      'ek.ctx',
      '-c',
      'ak.ctx',
      '-G',
      type,
      '-g',
      'sha256',
      '-s',
      scheme,
      '-u',
      'ak.pub',
      '-n',
      'ak.name',
    );
    await tool(swtpm, 'tpm2_flushcontext', '-t');
    await tool(swtpm, 'tpm2_pcrextend', `8:sha256=${'ab'.repeat(32)}`);
    await tool(
      swtpm,
      'tpm2_quote',
      '-c',
      'ak.ctx',
      '-l',
      'sha256:0,8,23',
      '-q',
      hex(nonce),
      '-m',
      'q.msg',
      '-s',
      'q.sig',
      '-g',
      'sha256',
    );

    const publicArea = new Uint8Array((await readFile(file(swtpm, 'ak.pub'))).subarray(2));
    assert.equal(hex(nameOf(publicArea)), hex(await readFile(file(swtpm, 'ak.name'))));
    const area = decodePublic(publicArea);
    const attest = new Uint8Array(await readFile(file(swtpm, 'q.msg')));
    const signature = decodeSignature(await readFile(file(swtpm, 'q.sig')));
    const frame = decodeAttest(attest);
    await using tpm = await swtpm.connect();
    const values = { sha256: await pcrRead(tpm, 'sha256', [0, 8, 23]) };
    const digest = pcrDigestFault(quoteInfoOf(frame), values, signingSchemeOf(area).hash);
    const faults = [
      magicFault(frame),
      typeFault(frame),
      extraDataFault(frame, nonce),
      digest,
      signatureFault(attest, signature, area),
    ];
    assert.deepEqual(faults, [undefined, undefined, undefined, undefined, undefined]);
  });

  test(`tpm2_activatecredential opens a credential of ours (${type})`, { skip: withoutTools }, async () => {
    await using swtpm = await Swtpm.start();
    await persist(swtpm, type);
    const secret = new Uint8Array(randomBytes(32));
    {
      await using tpm = await swtpm.connect();
      const ek = await readPublic(tpm, ekHandle);
      const ak = await readPublic(tpm, akHandle);
      const { credentialBlob, encryptedSecret } = makeCredential(ek.publicArea, nameOf(ak.publicArea), secret);
      await writeFile(
        file(swtpm, 'cred'),
        Buffer.concat([credentialHeader, sized(credentialBlob), sized(encryptedSecret)]),
      );
    }
    await tool(swtpm, 'tpm2_startauthsession', '--policy-session', '-S', 's.ctx');
    await tool(swtpm, 'tpm2_policysecret', '-S', 's.ctx', '-c', 'e');
    const handles = ['-c', `0x${akHandle.toString(16)}`, '-C', `0x${ekHandle.toString(16)}`];
    await tool(swtpm, 'tpm2_activatecredential', ...handles, '-i', 'cred', '-o', 'got', '-P', 'session:s.ctx');
    assert.deepEqual(new Uint8Array(await readFile(file(swtpm, 'got'))), secret);
  });

  test(`a credential of tpm2_makecredential opens (${type})`, { skip: withoutTools }, async () => {
    await using swtpm = await Swtpm.start();
    await persist(swtpm, type);
    const secret = new Uint8Array(randomBytes(24));
    await writeFile(file(swtpm, 'secret'), secret);
    let name: string;
    {
      await using tpm = await swtpm.connect();
      assert.deepEqual(
        (await persistentEks(tpm)).map(({ handle, template }) => [handle, template]),
        [[ekHandle, eks[type]]],
      );
      const ek = await readPublic(tpm, ekHandle);
      name = hex((await readPublic(tpm, akHandle)).name);
      await writeFile(file(swtpm, 'ek.pub'), sized(ek.publicArea));
    }
    await tool(swtpm, 'tpm2_makecredential', '-T', 'none', '-e', 'ek.pub', '-s', 'secret', '-n', name, '-o', 'cred');
    const blob = new Uint8Array(await readFile(file(swtpm, 'cred')));
    const size = (at: number) => (blob[at]! << 8) | blob[at + 1]!;
    const second = 8 + 2 + size(8);
    const credential = { credentialBlob: blob.slice(10, second), encryptedSecret: blob.slice(second + 2) };
    await using tpm = await swtpm.connect();
    await using ek = await openEk(tpm, eks[type]);
    assert.equal(ek.handle, ekHandle);
    using got = await activateCredential(tpm, await readPublic(tpm, akHandle), ek, credential);
    assert.deepEqual(
      got.use((bytes) => bytes.slice()),
      secret,
    );
  });
}
