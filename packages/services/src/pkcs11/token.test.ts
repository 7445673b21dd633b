import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { problem } from '@vouchsafe/domain/testing/problem';
import { ensurePkcs11, pkcs11Package } from './install.ts';
import type { CipherRequest } from './key-facts.ts';
import type { TokenPlace } from './session.ts';
import { SoftHsm, withoutSoftHsm } from './testing/softhsm.ts';
import { Token } from './token.ts';

const gcm: CipherRequest = { mode: 'GCM', iv: '000102030405060708090a0b', aad: '2a', tagBits: 128 };
const aes = { label: 'aes' };
const text = Buffer.from('a text of forty octets, for a short test');

/** The helper processes of this one, by /proc. */
const helpers = (): number[] =>
  globSync('/proc/[0-9]*/stat').flatMap((path) => {
    try {
      const [pid, , , parent] = readFileSync(path, 'utf8')
        .replace(/\(.*\)/, 'x')
        .split(' ');
      const command = readFileSync(path.replace('stat', 'cmdline'), 'utf8');
      return Number(parent) === process.pid && command.includes('helper.ts') ? [Number(pid)] : [];
    } catch {
      return [];
    }
  });

describe('a PKCS#11 token', { skip: withoutSoftHsm }, () => {
  let hsm: SoftHsm;
  let place: TokenPlace;
  before(async () => {
    await ensurePkcs11(() => undefined);
    hsm = new SoftHsm();
    place = hsm.addToken('one');
    await using token = open();
    await token.makeKey(aes, 'AES', 256);
  });
  after(() => hsm[Symbol.dispose]());
  const open = (options: { deadline?: number; at?: TokenPlace } = {}) =>
    new Token(options.at ?? place, { guard: join(hsm.folder, 'guard'), ...options });

  test('it makes keys that encrypt, decrypt and authenticate', async () => {
    await using token = open();
    assert.equal((await token.info()).manufacturer, 'SoftHSM project');
    const sealed = await token.encrypt(aes, gcm, text);
    assert.equal(sealed.length, text.length + 16);
    assert.deepEqual(Buffer.from(await token.decrypt(aes, gcm, sealed)), text);
    const cbc: CipherRequest = { mode: 'CBC', iv: '00'.repeat(16), padding: true };
    assert.deepEqual(Buffer.from(await token.decrypt(aes, cbc, await token.encrypt(aes, cbc, text))), text);
    for (const bad of [sealed.with(3, sealed[3]! ^ 1), sealed.subarray(0, 20), new Uint8Array()]) {
      await assert.rejects(token.decrypt(aes, gcm, bad), problem('hsm.refused'));
      await assert.rejects(token.decrypt(aes, cbc, bad.subarray(0, 15)), problem('hsm.refused'));
      assert.deepEqual(Buffer.from(await token.decrypt(aes, gcm, sealed)), text, 'one that fails spoils no other');
    }
    await assert.rejects(token.decrypt(aes, { ...gcm, aad: '2b' }, sealed), problem('hsm.refused'));
    await token.makeKey({ id: '0a' }, 'HMAC', 512);
    const mac = await token.mac({ id: '0a' }, 'SHA-384', text);
    assert.deepEqual(await token.mac({ id: '0a' }, 'SHA-384', text), mac);
    assert.notDeepEqual(mac, new Uint8Array(createHmac('sha384', '').update(text).digest()));
    await assert.rejects(token.encrypt({ id: '0a' }, gcm, text), problem('hsm.refused'));
  });

  test('a key that is not there, is there twice or may leave the token is told', async () => {
    await using token = open();
    assert.equal(await token.hasKey({ label: 'none' }), false);
    await assert.rejects(token.encrypt({ label: 'none' }, gcm, text), problem('hsm.key-missing', /no key none/));
    for (let i = 0; i < 2; i++) await token.makeKey({ label: 'twin', id: `0${i}` }, 'AES', 256);
    await using again = open();
    await assert.rejects(again.encrypt({ label: 'twin' }, gcm, text), problem('hsm.key-missing', /several keys twin/));
    await again.destroyKey({ label: 'twin', id: '00' });
    await again.encrypt({ label: 'twin' }, gcm, text);
    const key = join(hsm.folder, 'raw');
    writeFileSync(key, Buffer.alloc(32, 7));
    hsm.tool('--import', key, '--aes', '--token', 'one', '--label', 'loose', '--id', '77', '--pin', '1234-5678');
    makeExtractable(hsm, place);
    await using third = open();
    await assert.rejects(
      third.encrypt({ label: 'extractable' }, gcm, text),
      problem('hsm.refused', /may leave the token/),
    );
  });

  test('one login for many requests, at once', async () => {
    await using token = open();
    const sealed = await Promise.all(Array.from({ length: 100 }, () => token.encrypt(aes, gcm, text)));
    assert.equal(new Set(sealed.map(String)).size, 1);
    assert.equal(helpers().length, 1);
  });

  test('a helper that crashes is replaced, and the request answered', async () => {
    await using token = open();
    await token.encrypt(aes, gcm, text);
    const [first] = helpers();
    process.kill(first!, 'SIGKILL');
    await token.encrypt(aes, gcm, text);
    const asked = token.encrypt(aes, gcm, text);
    process.kill(helpers()[0]!, 'SIGKILL');
    await asked;
    assert.equal(helpers().length, 1);
    assert.notEqual(helpers()[0], first);
    const many = Array.from({ length: 20 }, () => token.encrypt(aes, gcm, text));
    process.kill(helpers()[0]!, 'SIGKILL');
    await Promise.all(many);
    assert.equal(helpers().length, 1, 'many that lose one session share the next');
  });

  test('a module that hangs is told in time, and its process does not stay', async () => {
    await using slow = open({ deadline: 3000 });
    await slow.info();
    const stopped = helpers();
    for (const pid of stopped) process.kill(pid, 'SIGSTOP');
    await slow.encrypt(aes, gcm, text);
    // The first was killed at the deadline; the second, which nobody stopped, has answered.
    for (const pid of stopped) assert.ok(!helpers().includes(pid));
    for (const pid of helpers()) process.kill(pid, 'SIGSTOP');
    const kill = setInterval(() => helpers().forEach((pid) => void process.kill(pid, 'SIGSTOP')), 50);
    await assert.rejects(slow.encrypt(aes, gcm, text), problem('hsm.unavailable', /no answer within 3 s/));
    clearInterval(kill);
  });

  test('a token that goes away is told, and found again', async () => {
    const away = join(hsm.folder, 'away');
    await using token = open();
    renameSync(hsm.tokens, away);
    mkdirSync(hsm.tokens);
    await assert.rejects(token.info(), problem('hsm.unavailable', /has no token one; it has none/));
    rmSync(hsm.tokens, { recursive: true });
    renameSync(away, hsm.tokens);
    await assert.rejects(token.info(), problem('hsm.unavailable'), 'a failure stands for a second');
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await token.encrypt(aes, gcm, text);
  });

  test('two tokens of one label are told apart by their serial numbers', async () => {
    hsm.addToken('twin');
    const at = hsm.addToken('twin');
    await using token = open({ at });
    await assert.rejects(token.info(), problem('config.invalid', /several tokens twin/));
    const [serial = ''] = /(?<=Serial number: +)\S+(?=\s+Initialized: +yes\s+User PIN init.: +yes\s+Label: +twin)/.exec(
      hsm.tool('--show-slots'),
    )!;
    await using named = open({ at: { ...at, serial } });
    assert.equal((await named.info()).serial, serial);
    await using wrong = open({ at: { ...at, serial: 'ffff' } });
    await assert.rejects(wrong.info(), problem('hsm.unavailable', /serial number ffff/));
  });

  const pins: [what: string, pin: string, mode: number, kind: Parameters<typeof problem>[0]][] = [
    ['readable by others', '1234-5678', 0o644, 'file.unreadable'],
    ['empty', '', 0o600, 'file.unreadable'],
    ['of two lines', '1234\n5678', 0o600, 'file.unreadable'],
    ['too long', '1'.repeat(300), 0o600, 'file.unreadable'],
    ['wrong', '1234-5679', 0o600, 'hsm.pin-refused'],
    ['too short for the token', '1', 0o600, 'hsm.pin-refused'],
  ];
  for (const [what, pin, mode, kind] of pins)
    test(`a PIN file that is ${what} is refused, and the PIN is in no message`, async () => {
      const pinFile = join(hsm.folder, 'bad.pin');
      rmSync(pinFile, { force: true });
      writeFileSync(pinFile, pin);
      chmodSync(pinFile, mode);
      await using token = open({ at: { ...place, pinFile } });
      await assert.rejects(token.info(), (error: Error) => {
        problem(kind)(error);
        return pin.length < 4 || !error.message.includes(pin);
      });
      assert.equal(existsSync(join(hsm.folder, 'guard')), kind === 'hsm.pin-refused');
    });

  test('the PIN is in no argument and no environment', async () => {
    const at = hsm.addToken('pin', `pin-${Math.random()}`);
    const pin = readFileSync(at.pinFile);
    await using token = open({ at });
    await token.info();
    const [helper] = helpers();
    for (const file of [`/proc/${helper}/cmdline`, `/proc/${helper}/environ`, '/proc/self/environ'])
      assert.ok(!readFileSync(file).includes(pin.subarray(0, -1)), file);
  });

  test('a module that is none, and a missing package, are told', async () => {
    await using none = open({ at: { ...place, module: '/nonexistent.so' } });
    await assert.rejects(none.info(), problem('hsm.unavailable', /nonexistent\.so/));
    await using bare = new Token(place, { guard: join(hsm.folder, 'g'), packageFile: '/nonexistent/package.json' });
    await assert.rejects(bare.info(), problem('host.package-missing', /set pkcs11/));
  });

  test('no helper stays behind', () => assert.deepEqual(helpers(), []));

  test('the module stands in its own folder, and in no workspace', () => {
    const { packages } = JSON.parse(readFileSync(join(pkcs11Package, '../../package-lock.json'), 'utf8'));
    assert.ok(!Object.keys(packages).some((name) => name.includes('pkcs11')));
    assert.ok(statSync(join(pkcs11Package, '../node_modules/pkcs11js/build/Release/pkcs11.node')).isFile());
  });
});

/** A key that its token would give away, made with pkcs11js itself. */
function makeExtractable(hsm: SoftHsm, { module, token, pinFile }: TokenPlace): void {
  const program = `
    const { PKCS11 } = require('pkcs11js');
    const p = new PKCS11();
    p.load(${JSON.stringify(module)});
    p.C_Initialize();
    const slot = p.C_GetSlotList(true).find((each) => p.C_GetTokenInfo(each).label.trim() === ${JSON.stringify(token)});
    const session = p.C_OpenSession(slot, 6);
    p.C_Login(session, 1, require('node:fs').readFileSync(${JSON.stringify(pinFile)}, 'utf8').trim());
    p.C_GenerateKey(session, { mechanism: 0x1080 }, [
      { type: 0x3, value: 'extractable' }, { type: 0x0, value: 4 }, { type: 0x100, value: 0x1f }, { type: 0x1, value: true },
      { type: 0x161, value: 32 }, { type: 0x162, value: true }, { type: 0x104, value: true },
    ]);
    require('node:fs').writeSync(1, 'made');
    p.C_Finalize();`;
  // SoftHSM crashes on some systems when a process that loaded it ends; the key is on the disk by then.
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], {
    cwd: join(pkcs11Package, '..'),
    env: process.env,
    encoding: 'utf8',
  });
  assert.equal(stdout, 'made', stderr);
  assert.ok(existsSync(hsm.tokens));
}
