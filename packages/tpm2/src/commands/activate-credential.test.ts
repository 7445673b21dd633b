import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { password } from '../authorization.ts';
import { createAk } from '../create-ak.ts';
import { createEk } from '../create-ek.ts';
import { allEkTemplates } from '../ek-template.ts';
import { hierarchy } from '../entity.ts';
import { makeCredential } from '../make-credential.ts';
import { nameOf } from '../name.ts';
import { decodePublic } from '../public.ts';
import { recording } from '../testing/recording.ts';
import { Swtpm, withoutSwtpm } from '../testing/swtpm.ts';
import { Tpm } from '../tpm.ts';
import { SocketTransport } from '../transport/socket.ts';
import { ActivateCredential, activateCredential } from './activate-credential.ts';
import { handlesFrom } from './get-capability.ts';
import { policySecret } from './policy-secret.ts';
import { startAuthSession } from './start-auth-session.ts';

test('the secret of a credential does not cross the bus, under any EK template', { skip: withoutSwtpm }, async () => {
  await using swtpm = await Swtpm.start();
  const wire: Uint8Array[] = [];
  await using tpm = new Tpm(recording(await SocketTransport.open(swtpm.address), wire));
  for (const template of allEkTemplates) {
    await using ek = await createEk(tpm, template.name);
    await using ak = await createAk(tpm);
    const secret = randomBytes(32);
    const credential = makeCredential(ek.publicArea, nameOf(ak.publicArea), secret);
    using got = await activateCredential(tpm, ak, ek, credential);
    assert.deepEqual(
      got.use((bytes) => Buffer.from(bytes)),
      secret,
    );
    assert.equal(
      wire.some((bytes) => Buffer.from(bytes).includes(secret)),
      false,
      template.name,
    );
  }
  assert.deepEqual(await handlesFrom(tpm, 0x02000000), [], 'no session is left');
});

test('without a salted session whoever listens on the bus has the secret', { skip: withoutSwtpm }, async () => {
  await using swtpm = await Swtpm.start();
  const wire: Uint8Array[] = [];
  await using tpm = new Tpm(recording(await SocketTransport.open(swtpm.address), wire));
  await using ek = await createEk(tpm, 'L-2');
  await using ak = await createAk(tpm);
  const secret = randomBytes(32);
  const { credentialBlob, encryptedSecret } = makeCredential(ek.publicArea, nameOf(ak.publicArea), secret);
  assert.equal(decodePublic(ek.publicArea).objectAttributes.userWithAuth, false);
  await using session = await startAuthSession(tpm, { type: 'policy' });
  await policySecret(tpm, session, hierarchy('endorsement'));
  const parameters = { credentialBlob, secret: encryptedSecret };
  await tpm.run(ActivateCredential, parameters, [ak, ek], [password(), session.use()]);
  assert.equal(
    wire.some((bytes) => Buffer.from(bytes).includes(secret)),
    true,
  );
});
