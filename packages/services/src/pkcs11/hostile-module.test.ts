import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { problem } from '@vouchsafe/domain/testing/problem';
import { ck } from './module.ts';
import { Token } from './token.ts';

let folder = '';
let packageFile = '';
let pinFile = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pkcs11-'));
  packageFile = join(folder, 'package.json');
  writeFileSync(packageFile, '{}');
  mkdirSync(join(folder, 'node_modules/pkcs11js'), { recursive: true });
  copyFileSync(resolve(import.meta.dirname, 'testing/fake-module.cjs'), join(folder, 'node_modules/pkcs11js/index.js'));
  pinFile = join(folder, 'pin');
  writeFileSync(pinFile, 'right\n', { mode: 0o600 });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A token whose module does what is wanted of it. */
function token(wanted: Record<string, unknown>, deadline = 5000): Token {
  const module = join(folder, 'module.json');
  writeFileSync(module, JSON.stringify(wanted));
  const place = { module, token: 'fake', pinFile };
  return new Token(place, { guard: join(folder, 'guard'), packageFile, deadline });
}
const logins = () => {
  try {
    return readFileSync(join(folder, 'module.json.logins'), 'utf8').trim().split('\n').length;
  } catch {
    return 0;
  }
};
const gcm = { mode: 'GCM', iv: '00', aad: '', tagBits: 128 } as const;
const octets = Uint8Array.of(1, 2, 3);
const encrypt = (of: Token) => of.encrypt({ label: 'any' }, gcm, octets);

test('what a module prints disturbs nobody', async () => {
  await using fake = token({ prints: true });
  assert.deepEqual(new Uint8Array(await encrypt(fake)), octets);
});

test('a token from before PKCS #11 2.40 gets the parameters of its time', async () => {
  await using fake = token({ older: true });
  assert.deepEqual(new Uint8Array(await encrypt(fake)), octets);
});

test('a module that crashes, or writes into the pipe to the key server, costs it a problem and nothing else', async () => {
  for (const wanted of [{ dies: true }, { garbage: true }]) {
    await using fake = token(wanted);
    await assert.rejects(encrypt(fake), problem('hsm.unavailable', /its helper (ended with|answers amiss)/));
  }
});

test('a module that does not come back is ended at the deadline, tried once more, and told', async () => {
  await using fake = token({ hangs: true }, 2000);
  await assert.rejects(encrypt(fake), problem('hsm.unavailable', /no answer within 2 s/));
  assert.equal(logins(), 2);
});

test('a session that is lost is opened again, once', async () => {
  await using fake = token({ lost: 1 });
  assert.deepEqual(new Uint8Array(await encrypt(fake)), octets);
  assert.equal(logins(), 2);
  await using worse = token({ lost: 99 });
  await assert.rejects(encrypt(worse), problem('hsm.unavailable', /CKR_SESSION_HANDLE_INVALID/));
  assert.equal(logins(), 4);
});

test('a PIN that is locked, or would be by one more failure, is not tried', async () => {
  for (const [flags, text] of [
    [ck.CKF_USER_PIN_LOCKED, /is locked/],
    [ck.CKF_USER_PIN_FINAL_TRY, /one more wrong PIN locks/],
  ] as const) {
    await using fake = token({ flags });
    await assert.rejects(encrypt(fake), problem('hsm.pin-refused', text));
  }
  assert.equal(logins(), 0);
});

test('a wrong PIN is tried once by any number of requests and starts, and again when its file changed', async () => {
  writeFileSync(pinFile, 'wrong');
  for (let start = 0; start < 3; start++) {
    await using fake = token({});
    const answers = await Promise.allSettled([encrypt(fake), encrypt(fake), encrypt(fake)]);
    assert.ok(answers.every(({ status }) => status === 'rejected'));
    await sleep(1100);
    await assert.rejects(encrypt(fake), problem('hsm.pin-refused'));
  }
  assert.equal(logins(), 1);
  writeFileSync(pinFile, 'right');
  await using fake = token({});
  await encrypt(fake);
  assert.equal(logins(), 2);
});

test('a token without the mechanisms is told before anybody logs in', async () => {
  await using fake = token({ mechanisms: [0x1080] });
  await assert.rejects(encrypt(fake), problem('hsm.refused', /no CKM_AES_GCM/));
  assert.equal(logins(), 0);
});
