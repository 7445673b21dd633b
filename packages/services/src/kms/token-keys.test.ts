import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Secret } from '@vouchsafe/bytes/secret';
import { problem } from '@vouchsafe/domain/testing/problem';
import type { Attribute } from '@vouchsafe/kmip/attribute';
import type { KeyServer } from '@vouchsafe/kmip/client/client';
import { KmipError } from '@vouchsafe/kmip/error';
import { create } from '@vouchsafe/kmip/operations/create';
import { destroy } from '@vouchsafe/kmip/operations/destroy';
import { get } from '@vouchsafe/kmip/operations/get';
import { mac } from '@vouchsafe/kmip/operations/mac';
import { macVerify } from '@vouchsafe/kmip/operations/mac-verify';
import { asking, requestMessage } from '@vouchsafe/kmip/testing/samples';
import type { TokenPlace } from '../pkcs11/session.ts';
import { SoftHsm, withoutSoftHsm } from '../pkcs11/testing/softhsm.ts';
import { Token } from '../pkcs11/token.ts';
import type { ClientFiles } from './clients.ts';
import { type KmsFixture, kmsFixture } from './testing/fixture.ts';
import { rawClient } from './testing/raw-client.ts';

const unextractable: Attribute = { name: 'Extractable', value: false };
const aes = { algorithm: 'AES', length: 256, usage: ['Encrypt', 'Decrypt', 'Wrap Key'] } as const;
const kept = { ...aes, attributes: [unextractable] };
const version = { major: 1, minor: 4 };
const words = () => Secret.take(new Uint8Array(Buffer.from('sixteen octets!!')));
const refused =
  (...reasons: string[]) =>
  (error: unknown) => {
    assert.ok(error instanceof KmipError);
    return reasons.includes(String(error.reason)) || assert.fail(`${error.reason}: ${error.message}`);
  };

describe('keys that only the token has', { skip: withoutSoftHsm }, () => {
  let hsm: SoftHsm;
  let place: TokenPlace;
  let fixture: KmsFixture;
  let files: ClientFiles;
  let client: KeyServer;
  const reported: unknown[] = [];

  before(async () => {
    hsm = new SoftHsm();
    place = hsm.addToken('keys');
    fixture = await kmsFixture({ report: (event) => reported.push(event) });
    files = await fixture.addClient('one');
    await withToken('unextractable');
  });
  after(async () => {
    client[Symbol.dispose]();
    await fixture.close();
    hsm[Symbol.dispose]();
  });
  beforeEach(() => reported.splice(0));

  /** Starts the server anew, with the token or without. */
  async function withToken(keys: 'unextractable' | 'all' | 'no token'): Promise<void> {
    const { module, token, pinFile } = place;
    const lines = Object.entries({ module, label: token, pin_file: pinFile, keys }).map(
      ([name, value]) => `${name} = ${JSON.stringify(value)}`,
    );
    const text = keys === 'no token' ? '' : ['[token]', ...lines].join('\n');
    writeFileSync(join(fixture.dataDir, 'kms.toml'), text, { mode: 0o600 });
    await fixture.restart();
    client?.[Symbol.dispose]();
    client = fixture.client(files);
  }

  /** Ids of the keys in the token, as the token itself says. */
  async function inToken(): Promise<string[]> {
    await using token = new Token(place, { guard: join(hsm.folder, 'guard') });
    const ids: string[] = [];
    for await (const { id } of token.keys()) ids.push(id);
    return ids.toSorted();
  }
  const holds = async (id: string) => (await inToken()).includes(id.replaceAll('-', ''));
  const batch = async (items: ReturnType<typeof asking>[], onError?: 'Undo' | 'Continue') => {
    const connection = await rawClient(fixture.kms.address.port, files);
    try {
      const { items: answers } = await connection.ask(requestMessage(items, onError ? { onError } : {}, version));
      return answers;
    } finally {
      connection.close();
    }
  };

  test('a key that is never to be extracted is made in the token, works, and is given to nobody', async () => {
    const id = await client.create(kept);
    assert.ok(await holds(id));
    await client.activate(id);
    for (const parameters of [
      { mode: 'GCM', tagLength: 16, randomIv: true },
      { mode: 'CBC', padding: 'PKCS5', randomIv: true },
    ] as const) {
      const { data, iv, tag } = await client.encrypt(id, words(), { parameters });
      const sealed = { data, iv, tag };
      using plain = await client.decrypt(id, sealed, { parameters });
      assert.ok(plain.equals(words()), parameters.mode);
      const bad = { ...sealed, data: data.with(data.length - 1, data.at(-1)! ^ 1) };
      await assert.rejects(client.decrypt(id, bad, { parameters }), refused('Cryptographic Failure'));
    }
    await assert.rejects(client.get(id), refused('Not Extractable'));
    const told = new Map((await client.getAttributes(id)).map(({ name, value }) => [name as string, value]));
    assert.deepEqual(
      ['Extractable', 'Never Extractable', 'Sensitive', 'Always Sensitive', 'Key Value Present', 'Digest'].map((name) =>
        told.get(name),
      ),
      [false, true, true, true, false, undefined],
    );
    assert.deepEqual(reported, []);
  });

  test('an older client is refused in words of its version', async () => {
    const id = await client.create(kept);
    const connection = await rawClient(fixture.kms.address.port, files);
    const [answer] = (await connection.ask(requestMessage([asking(get, { id })]))).items;
    assert.equal(answer!.reason, 'Permission Denied');
    connection.close();
  });

  test('it is not wrapped, wraps nothing and is no base of others', async () => {
    const id = await client.create(kept);
    const other = await client.create({ ...aes, attributes: [] });
    for (const each of [id, other]) await client.activate(each);
    await assert.rejects(client.getWrapped(id, { wrappingKey: other }), refused('Not Extractable'));
    await assert.rejects(client.getWrapped(other, { wrappingKey: id }), refused('Key Value Not Present'));
    const ecb = { parameters: { mode: 'ECB' } } as const;
    await assert.rejects(client.encrypt(id, words(), ecb), refused('Feature Not Supported'));
  });

  test('a key of HMAC authenticates there', async () => {
    const id = await client.create({
      algorithm: 'HMAC-SHA256',
      length: 256,
      usage: ['MAC Generate', 'MAC Verify'],
      attributes: [unextractable],
    });
    assert.ok(await holds(id));
    await client.activate(id);
    const data = Uint8Array.of(1, 2, 3);
    const [made] = await batch([asking(mac, { id, data })]);
    const { mac: code } = made!.payload!.as(mac.response);
    assert.equal(code!.length, 32);
    for (const [claimed, validity] of [
      [code!, 'Valid'],
      [code!.with(0, code![0]! ^ 1), 'Invalid'],
    ] as const) {
      const [verified] = await batch([asking(macVerify, { id, data, mac: claimed })]);
      assert.equal(verified!.payload!.as(macVerify.response).validity, validity);
    }
  });

  test('a key that may be extracted stays where it was', async () => {
    const before = await inToken();
    const id = await client.create(aes);
    using key = await client.get(id);
    assert.equal(key.material.length, 32);
    assert.deepEqual(await inToken(), before);
  });

  test('its replacement is made in the token, and a destroyed key is gone from there', async () => {
    const id = await client.create({ ...kept, name: 'to be replaced' });
    const next = await client.reKey(id);
    assert.ok(await holds(next));
    await assert.rejects(client.get(next), refused('Not Extractable'));
    await client.destroy(id);
    assert.deepEqual([await holds(id), await holds(next)], [false, true]);
    await assert.rejects(client.encrypt(id, words()), KmipError);
  });

  test('a creation that fails or is undone leaves no key in the token', async () => {
    await client.create({ ...kept, name: 'taken' });
    const before = await inToken();
    await assert.rejects(client.create({ ...kept, name: 'taken' }), KmipError);
    await assert.rejects(
      client.create({ ...kept, attributes: [unextractable, { name: 'Sensitive', value: false }] }),
      KmipError,
    );
    await assert.rejects(client.create({ ...kept, length: 111 }), KmipError);
    const template = {
      names: [],
      attributes: [
        { name: 'Cryptographic Algorithm', value: 'AES' },
        { name: 'Cryptographic Length', value: 256 },
        { name: 'Cryptographic Usage Mask', value: 12 },
        unextractable,
      ] as Attribute[],
    };
    const making = asking(create, { objectType: 'Symmetric Key', template }, Uint8Array.of(1));
    const failing = asking(get, { id: 'nothing' }, Uint8Array.of(2));
    const undone = await batch([making, failing], 'Undo');
    assert.ok(
      undone.every(({ status }) => status !== 'Success'),
      JSON.stringify(undone.map(({ status }) => status)),
    );
    assert.deepEqual(await inToken(), before);
    const [made] = await batch([making, failing], 'Continue');
    assert.equal(made!.status, 'Success');
    assert.equal((await inToken()).length, before.length + 1);
  });

  test('a destruction that is undone leaves the key in the token', async () => {
    const id = await client.create(kept);
    const answers = await batch(
      [asking(destroy, { id }, Uint8Array.of(1)), asking(get, { id: 'nothing' }, Uint8Array.of(2))],
      'Undo',
    );
    assert.notEqual(answers[0]!.status, 'Success');
    assert.ok(await holds(id));
    await client.activate(id);
    await client.encrypt(id, words());
  });

  test('a key whose object was destroyed when the token was not told is destroyed at the next start', async () => {
    const [gone, stays] = [await client.create(kept), await client.create(kept)];
    await client.activate(stays);
    await withToken('no token');
    await assert.rejects(client.encrypt(stays, words()), refused('Key Value Not Present', 'General Failure'));
    await client.destroy(gone);
    assert.ok(await holds(gone));
    await withToken('unextractable');
    for (let i = 0; i < 100 && (await holds(gone)); i++) await sleep(50);
    assert.deepEqual([await holds(gone), await holds(stays)], [false, true]);
    await client.encrypt(stays, words());
  });

  test('all keys can be kept in the token', async () => {
    await withToken('all');
    const id = await client.create(aes);
    assert.ok(await holds(id));
    await assert.rejects(client.get(id), refused('Not Extractable'));
    const asked: Attribute = { name: 'Extractable', value: true };
    await assert.rejects(client.create({ ...aes, attributes: [asked] }), refused('Permission Denied'));
    await assert.rejects(client.create({ ...aes, algorithm: '3DES', length: 168 }), refused('Feature Not Supported'));
    await withToken('unextractable');
  });

  test('a token that is gone stops the start, and while the server runs only what needs it', async () => {
    const id = await client.create(kept);
    await client.activate(id);
    await withToken('unextractable');
    const away = join(hsm.folder, 'away');
    renameSync(hsm.tokens, away);
    mkdirSync(hsm.tokens);
    await assert.rejects(withToken('unextractable'), problem('hsm.unavailable', /has no token keys/));
    rmSync(hsm.tokens, { recursive: true });
    renameSync(away, hsm.tokens);
    await withToken('unextractable');
    for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) killHelper(Number(name));
    await client.encrypt(id, words());
  });
});

/** Ends the helper process of this one. */
function killHelper(pid: number): void {
  try {
    const parent = Number(
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/\(.*\)/, 'x')
        .split(' ')[3],
    );
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    if (parent === process.pid && command.includes('helper.ts')) process.kill(pid, 'SIGKILL');
  } catch {
    // it ended meanwhile
  }
}
