import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { akTemplates } from './ak-template.ts';
import { activateCredential } from './commands/activate-credential.ts';
import { createAk } from './create-ak.ts';
import { createEk } from './create-ek.ts';
import { makeCredential } from './make-credential.ts';
import { nameOf } from './name.ts';
import { decodePublic, encodePublic, type TpmtPublic } from './public.ts';
import { TpmResponseError } from './response-error.ts';
import { softwareKey } from './testing/software-key.ts';
import { Swtpm, withoutSwtpm } from './testing/swtpm.ts';

const secret = () => new Uint8Array(32).fill(7);

test('a credential opens only for its keys and unchanged', { skip: withoutSwtpm }, async () => {
  await using swtpm = await Swtpm.start();
  await using tpm = await swtpm.connect();
  for (const template of ['L-2', 'H-3', 'L-1'] as const) {
    await using ek = await createEk(tpm, template);
    const type = template === 'L-1' ? 'rsa' : 'ecc';
    await using ak = await createAk(tpm, { type });
    await using other = await createAk(tpm, { type, label: new Uint8Array([1]) });
    assert.notDeepEqual(ak.name, other.name);
    const { credentialBlob, encryptedSecret } = makeCredential(ek.publicArea, ak.name, secret());
    const changed = (bytes: Uint8Array, at: number) => {
      const copy = bytes.slice() as Uint8Array<ArrayBuffer>;
      copy[at]! ^= 1;
      return copy;
    };
    const refuse = (attempt: Promise<unknown>) => assert.rejects(attempt, TpmResponseError);
    await refuse(activateCredential(tpm, other, ek, { credentialBlob, encryptedSecret }));
    await refuse(activateCredential(tpm, ak, ek, { credentialBlob: changed(credentialBlob, 2), encryptedSecret }));
    const last = credentialBlob.length - 1;
    await refuse(activateCredential(tpm, ak, ek, { credentialBlob: changed(credentialBlob, last), encryptedSecret }));
    await refuse(activateCredential(tpm, ak, ek, { credentialBlob, encryptedSecret: changed(encryptedSecret, 8) }));
    using got = await activateCredential(tpm, ak, ek, { credentialBlob, encryptedSecret });
    assert.deepEqual(
      got.use((bytes) => bytes.slice()),
      secret(),
      template,
    );
  }
});

test('what is no endorsement key gets no credential', () => {
  const ak = softwareKey('ecc');
  const { area } = softwareKey('rsa');
  const storage = (changes: Partial<TpmtPublic['objectAttributes']>, symmetric: object = {}): Uint8Array =>
    encodePublic({
      ...area,
      objectAttributes: { ...area.objectAttributes, sign: false, decrypt: true, ...changes },
      parameters: {
        symmetric: { algorithm: 'aes', keyBits: 128, mode: 'cfb', ...symmetric },
        scheme: { scheme: 'null', details: undefined },
        keyBits: 2048,
        exponent: 0,
      },
    } as TpmtPublic);
  const good = storage({});
  assert.equal(makeCredential(good, nameOf(ak.publicArea), secret()).encryptedSecret.length, 256);
  const table: [string, Uint8Array, Uint8Array, string][] = [
    ['a signing key', ak.publicArea, secret(), 'key'],
    ['an unrestricted key', storage({ restricted: false }), secret(), 'key'],
    ['a key that also signs', storage({ sign: true }), secret(), 'key'],
    ['a key without cipher', storage({}, { algorithm: 'null', keyBits: undefined, mode: undefined }), secret(), 'key'],
    ['a key in another mode', storage({}, { mode: 'ctr' }), secret(), 'key'],
    ['a SHA-1 name', encodePublic({ ...decodePublic(good), nameAlg: 'sha1' }), secret(), 'key'],
    ['a secret too long', good, new Uint8Array(33), 'credential'],
    ['no secret', good, new Uint8Array(), 'credential'],
  ];
  for (const [what, ek, value, code] of table)
    assert.throws(() => makeCredential(ek, nameOf(ak.publicArea), value), { name: 'TpmError', code }, what);
  assert.throws(() => makeCredential(encodePublic(akTemplates.ecc).slice(1), ak.publicArea, secret()), DecodeError);
});
