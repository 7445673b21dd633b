import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { problem } from '@vouchsafe/domain/testing/problem';
import { Swtpm, withoutSwtpm } from '@vouchsafe/tpm2/testing/swtpm';
import { choiceOf, SoftHsm, withoutSoftHsm } from '../../pkcs11/testing/softhsm.ts';
import { fileRootKey, makeRootKeyFile } from './file.ts';
import { pkcs11RootKey } from './pkcs11.ts';
import type { RootKey } from './root-key.ts';
import { tpmRootKey } from './tpm.ts';

interface Kind {
  readonly name: string;
  readonly skip: string | false;
  /** A root key of its own, and one that has nothing to do with it. */
  open(t: TestContext): Promise<{ readonly root: RootKey; readonly other: RootKey }>;
}

const kinds: Kind[] = [
  {
    name: 'file',
    skip: false,
    async open(t) {
      const folder = mkdtempSync(join(tmpdir(), 'root-key-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const [one, two] = [join(folder, 'one'), join(folder, 'two')];
      for (const path of [one, two]) makeRootKeyFile(path);
      return { root: fileRootKey(one), other: fileRootKey(two) };
    },
  },
  {
    name: 'TPM',
    skip: withoutSwtpm,
    async open(t) {
      const one = await Swtpm.start();
      t.after(() => one[Symbol.asyncDispose]());
      const two = await Swtpm.start();
      t.after(() => two[Symbol.asyncDispose]());
      return { root: tpmRootKey(addressOf(one)), other: tpmRootKey(addressOf(two)) };
    },
  },
  {
    name: 'PKCS#11',
    skip: withoutSoftHsm,
    async open(t) {
      const hsm = new SoftHsm();
      t.after(() => hsm[Symbol.dispose]());
      const [root, other] = ['one', 'two'].map((name) =>
        pkcs11RootKey(choiceOf(hsm.addToken(name)), `${hsm.folder}/no`),
      );
      for (const each of [root!, other!]) {
        t.after(() => each[Symbol.asyncDispose]());
        await each.make();
      }
      return { root: root!, other: other! };
    },
  },
];

const addressOf = ({ address }: Swtpm) => `unix:${'path' in address ? address.path : ''}`;
const secret = () => Secret.take(new Uint8Array(Buffer.from('the key of the store: 32 octets.')));
const unopened = problem('root-key.unopened');

for (const { name, skip, open } of kinds)
  describe(`root key: ${name}`, { skip }, () => {
    test('what it wraps it unwraps, and what it wraps twice differs', async (t) => {
      const { root } = await open(t);
      using key = secret();
      const wrapped = await root.wrap(key, 'store/1');
      using back = await root.unwrap(wrapped, 'store/1');
      assert.ok(back.equals(key));
      assert.ok(!Buffer.from(wrapped).includes('the key of'));
      assert.notDeepEqual(await root.wrap(key, 'store/1'), wrapped);
    });

    test('another root key, another purpose and every changed octet are refused', async (t) => {
      const { root, other } = await open(t);
      using key = secret();
      const wrapped = await root.wrap(key, 'store/1');
      await assert.rejects(other.unwrap(wrapped, 'store/1'), unopened);
      await assert.rejects(root.unwrap(wrapped, 'store/2'), unopened);
      for (const cut of [0, 1, 12, 28, wrapped.length - 1])
        await assert.rejects(root.unwrap(wrapped.subarray(0, cut), 'store/1'), unopened, `cut to ${cut}`);
      for (let at = 0; at < wrapped.length; at += 1 + Math.floor(wrapped.length / 20))
        await assert.rejects(root.unwrap(wrapped.with(at, wrapped[at]! ^ 1), 'store/1'), unopened, `octet ${at}`);
    });
  });
