import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { certifyInfoOf, decodeAttest } from './attest.ts';
import { password } from './authorization.ts';
import { certify } from './commands/certify.ts';
import { create } from './commands/create.ts';
import { createPrimary } from './commands/create-primary.ts';
import { handlesFrom } from './commands/get-capability.ts';
import { load } from './commands/load.ts';
import { pcrExtend } from './commands/pcr-extend.ts';
import { pcrRead } from './commands/pcr-read.ts';
import { policyPcr } from './commands/policy-pcr.ts';
import { startAuthSession } from './commands/start-auth-session.ts';
import { unseal } from './commands/unseal.ts';
import { createAk } from './create-ak.ts';
import { createEk } from './create-ek.ts';
import { policyPcrDigest } from './policy-digest.ts';
import { decodePublic } from './public.ts';
import { quoteDigest } from './quote-digest.ts';
import { magicFault, typeFault } from './quote-faults.ts';
import { isResponse } from './response-error.ts';
import { Session } from './session.ts';
import { decodeSignature } from './signature.ts';
import { signatureFault } from './signature-fault.ts';
import { sealed, storageRoot } from './storage-template.ts';
import { recording } from './testing/recording.ts';
import { Swtpm, withoutSwtpm } from './testing/swtpm.ts';
import { Tpm } from './tpm.ts';
import { SocketTransport } from './transport/socket.ts';
import type { TpmTransport } from './transport/transport.ts';

const skip = withoutSwtpm;
const text = (value: string) => new TextEncoder().encode(value);
const secretOf = (value: string) => Secret.take(text(value));
const opened = (secret: Secret) => secret.use((bytes) => new TextDecoder().decode(bytes));

test('Part 1, 19.6: an HMAC session authorizes, its nonces roll, a wrong value is refused', { skip }, async () => {
  await using swtpm = await Swtpm.start();
  await using tpm = await swtpm.connect();
  await using root = await createPrimary(tpm, 'owner', storageRoot);
  using userAuth = secretOf('user\0\0');
  using wrong = secretOf('other');
  using data = secretOf('sealed data');
  await using item = await load(tpm, root, await create(tpm, root, sealed(), { userAuth, data }));
  await using session = await startAuthSession(tpm, { type: 'hmac' });
  for (let i = 0; i < 3; i++) {
    using got = await unseal(tpm, item, [session.use({ authValue: userAuth })]);
    assert.equal(opened(got), 'sealed data');
  }
  await assert.rejects(unseal(tpm, item, [session.use({ authValue: wrong })]), (error) =>
    isResponse(error, 'TPM_RC_BAD_AUTH'),
  );
  using again = await unseal(tpm, item, [session.use({ authValue: userAuth })]);
  assert.equal(opened(again), 'sealed data');
});

for (const template of ['L-1', 'L-2', 'H-3'] as const) {
  test(`Part 1, 21: a session salted to ${template} conceals parameters both ways`, { skip }, async () => {
    await using swtpm = await Swtpm.start();
    const wire: Uint8Array[] = [];
    await using tpm = new Tpm(recording(await SocketTransport.open(swtpm.address), wire));
    await using ek = await createEk(tpm, template);
    await using root = await createPrimary(tpm, 'owner', storageRoot);
    await using session = await startAuthSession(tpm, { type: 'hmac', saltKey: ek });
    using data = secretOf('a secret on the wire');
    const both = { encryptCommand: true, encryptResponse: true };
    const created = await create(tpm, root, sealed(), { data }, [session.use(both)]);
    await using item = await load(tpm, root, created);
    using got = await unseal(tpm, item, [session.use({ encryptResponse: true })]);
    assert.equal(opened(got), 'a secret on the wire');
    const seen = () => wire.some((bytes) => Buffer.from(bytes).includes('a secret on the wire'));
    assert.equal(seen(), false);
    using plain = await unseal(tpm, item);
    assert.equal(opened(plain), 'a secret on the wire');
    assert.equal(seen(), true, 'without the session it is to be seen');
  });
}

test('a second session conceals for the first one', { skip }, async () => {
  await using swtpm = await Swtpm.start();
  await using tpm = await swtpm.connect();
  await using ek = await createEk(tpm, 'L-2');
  await using root = await createPrimary(tpm, 'owner', storageRoot);
  using userAuth = secretOf('value');
  using data = secretOf('sealed data');
  await using item = await load(tpm, root, await create(tpm, root, sealed(), { userAuth, data }));
  await using first = await startAuthSession(tpm, { type: 'hmac' });
  await using second = await startAuthSession(tpm, { type: 'hmac', hash: 'sha384', saltKey: ek });
  using got = await unseal(tpm, item, [first.use({ authValue: userAuth }), second.use({ encryptResponse: true })]);
  assert.equal(opened(got), 'sealed data');
});

test('a response that was changed on its way is refused', { skip }, async () => {
  await using swtpm = await Swtpm.start();
  const forger = forging(await SocketTransport.open(swtpm.address));
  await using tpm = new Tpm(forger);
  await using root = await createPrimary(tpm, 'owner', storageRoot);
  using userAuth = secretOf('value');
  using data = secretOf('sealed data');
  await using item = await load(tpm, root, await create(tpm, root, sealed(), { userAuth, data }));
  await using session = await startAuthSession(tpm, { type: 'hmac' });
  forger.flip = 10 + 4 + 2; // the first byte of outData, behind header, parameterSize and size
  try {
    await assert.rejects(unseal(tpm, item, [session.use({ authValue: userAuth })]), {
      code: 'answer',
      message: "the HMAC of the TPM's response is false",
    });
    using got = await unseal(tpm, item, [password(userAuth)]);
    assert.equal(opened(got), 'realed data', 'with a password nobody notices');
  } finally {
    forger.flip = undefined;
  }
});

test('session attributes of a response that are not those of the command are refused', async () => {
  const key = new Uint8Array(32).fill(1);
  const nonceTPM = new Uint8Array(32).fill(2);
  const nonce = new Uint8Array(32).fill(3);
  const state = {
    handle: 0x02000000,
    type: 'hmac',
    hash: 'sha256',
    sessionKey: Secret.take(key.slice()),
    nonceTPM,
  } as const;
  const flush = () => Promise.resolve();
  await using session = new Session({ ...state, random: () => nonce, flush });
  const rpHash = () => new Uint8Array(32).fill(4);
  const answer = (attributes: number) => {
    const hmac = createHmac('sha256', key).update(rpHash()).update(nonceTPM).update(nonce);
    const digest = new Uint8Array(hmac.update(new Uint8Array([attributes])).digest());
    return { nonce: nonceTPM, sessionAttributes: attributes, hmac: digest };
  };
  const use = session.use();
  use.begin();
  use.accept(rpHash, answer(0x01));
  assert.throws(() => use.accept(rpHash, answer(0x00)), { code: 'answer', message: /session attributes/ });
});

test('Part 3, 23.7 PolicyPCR: sealed data open only while the PCRs are as they were', { skip }, async () => {
  await using swtpm = await Swtpm.start();
  await using tpm = await swtpm.connect();
  const pcrs = [{ hash: 'sha256' as const, pcrSelect: [0, 8] }];
  const values = { sha256: await pcrRead(tpm, 'sha256', [0, 8]) };
  const policy = policyPcrDigest('sha256', pcrs, quoteDigest(pcrs, values, 'sha256'));
  await using root = await createPrimary(tpm, 'owner', storageRoot);
  using data = secretOf('sealed data');
  await using item = await load(tpm, root, await create(tpm, root, sealed(policy), { data }));
  const open = async () => {
    await using session = await startAuthSession(tpm, { type: 'policy' });
    await policyPcr(tpm, session, pcrs);
    using got = await unseal(tpm, item, [session.use()]);
    return opened(got);
  };
  assert.equal(await open(), 'sealed data');
  await assert.rejects(unseal(tpm, item), (error) => isResponse(error, 'TPM_RC_AUTH_UNAVAILABLE'));
  await pcrExtend(tpm, 8, [{ hashAlg: 'sha256', digest: new Uint8Array(32).fill(1) }]);
  await assert.rejects(open(), (error) => isResponse(error, 'TPM_RC_POLICY_FAIL'));
  assert.deepEqual(await handlesFrom(tpm, 0x02000000), [], 'no session is left after the error');
});

test('Part 3, 18.2 Certify: the Name of another key of the TPM is vouched for', { skip }, async () => {
  await using swtpm = await Swtpm.start();
  await using tpm = await swtpm.connect();
  await using ak = await createAk(tpm);
  await using root = await createPrimary(tpm, 'owner', storageRoot);
  const { attest, signature } = await certify(tpm, root, ak, new Uint8Array(randomBytes(16)));
  const frame = decodeAttest(attest);
  assert.deepEqual(certifyInfoOf(frame).name, root.name);
  assert.equal(magicFault(frame), undefined);
  assert.equal(typeFault(frame, 'certify'), undefined);
  assert.equal(typeFault(frame)?.code, 'attest.type');
  assert.equal(signatureFault(attest, decodeSignature(signature), decodePublic(ak.publicArea)), undefined);
});

/** A transport that changes a byte of every response while `flip` says which. */
function forging(transport: TpmTransport): TpmTransport & { flip: number | undefined } {
  return {
    flip: undefined,
    async transmit(command) {
      const response = (await transport.transmit(command)).slice();
      if (this.flip !== undefined && this.flip < response.length) response[this.flip]! ^= 1;
      return response;
    },
    close: () => transport.close(),
    [Symbol.asyncDispose]: () => transport.close(),
  };
}
