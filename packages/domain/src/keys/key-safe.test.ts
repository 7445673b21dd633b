import assert from 'node:assert/strict';
import { createHmac, createSecretKey, hkdfSync } from 'node:crypto';
import { test } from 'node:test';
import { everyTruncation, mutations } from '@vouchsafe/bytes/hostile';
import { Secret } from '@vouchsafe/bytes/secret';
import { problem } from '../testing/problem.ts';
import {
  type KeySafe,
  type KeySafeContent,
  type KeySafePart,
  maxKeySafe,
  type OpenKek,
  openPart,
  readKeySafe,
  verifyKeySafe,
  writeKeySafe,
} from './key-safe.ts';

const prv = '11111111-2222-4333-8444-555555555555';
const vm = 'aaaaaaaa-2222-4333-8444-555555555555';
const otherVm = 'bbbbbbbb-2222-4333-8444-555555555555';
const luks = (n: number) => `cccccccc-2222-4333-8444-${String(n).padStart(12, '0')}`;
const kek: OpenKek = {
  n: 0,
  reference: { kind: 'trusted', prv, ct: 'a.b.c.d.e' },
  key: createSecretKey(Buffer.alloc(32, 9)),
};
const bound = { v: 1, h: 'h'.repeat(43) } as const;
const dek = (fill: number) => Secret.take(new Uint8Array(64).fill(fill));
const content = (change: Partial<KeySafeContent> = {}): KeySafeContent => ({
  vm,
  gen: 3,
  bound,
  keks: [kek],
  parts: [
    { id: 'vda', kind: 'disk', luks: luks(1), kek: 0, dek: dek(1) },
    { id: 'vdb', kind: 'disk', luks: luks(2), kek: 0, dek: dek(2) },
    { id: 'vtpm', kind: 'vtpm', luks: luks(3), kek: 0, dek: dek(3) },
  ],
  ...change,
});
const bytesOf = (secret: Secret) => secret.use((bytes) => bytes.slice());

/** As a host does it: form, MAC, then the parts. */
async function open(text: string, by: OpenKek = kek): Promise<Uint8Array[]> {
  const safe = readKeySafe(text);
  verifyKeySafe(text, safe, by);
  return await openParts(safe, by);
}

/** As a host without MAC would. */
async function openParts(safe: KeySafe, by: OpenKek = kek): Promise<Uint8Array[]> {
  const deks: Uint8Array[] = [];
  for (const part of safe.parts) deks.push(bytesOf(await openPart(safe, part, by)));
  return deks;
}

/** Changes a safe as somebody without its KEK can: the MAC stays. */
function changed(text: string, change: (safe: KeySafe & Record<string, unknown>) => object): string {
  const safe = JSON.parse(text) as KeySafe & Record<string, unknown>;
  return JSON.stringify(change(safe));
}

test('what was written is read: three DEKs, each its own', async () => {
  const deks = await open(await writeKeySafe(content()));
  assert.deepEqual(
    deks,
    [1, 2, 3].map((fill) => new Uint8Array(64).fill(fill)),
  );
});

test('the MAC is HMAC-SHA-256 over the text without it, under a key derived from the KEK', async () => {
  const text = await writeKeySafe(content());
  const { mac, ...rest } = JSON.parse(text) as KeySafe;
  const key = new Uint8Array(hkdfSync('sha256', Buffer.alloc(32, 9), '', 'vouchsafe/keysafe-mac/1', 32));
  const expected = createHmac('sha256', key).update(JSON.stringify(rest)).digest('base64url');
  assert.deepEqual(mac, [{ kek: 0, v: expected }]);
});

const foreign: [name: string, change: (safe: KeySafe & Record<string, unknown>) => object][] = [
  ['profile', (safe) => ({ ...safe, bound: { v: 1, h: 'x'.repeat(43) } })],
  ['a part left out', (safe) => ({ ...safe, parts: safe.parts.slice(1) })],
  ['kind of a part', (safe) => ({ ...safe, parts: safe.parts.map((part) => ({ ...part, kind: 'home' })) })],
  ['order of the parts', (safe) => ({ ...safe, parts: safe.parts.toReversed() })],
];

for (const [name, change] of foreign) {
  test(`changed without the KEK (${name}): refused by the MAC, and opens when the MAC is not looked at`, async () => {
    const text = changed(await writeKeySafe(content()), change);
    await assert.rejects(open(text), problem('keysafe.invalid', /MAC/));
    assert.ok((await openParts(readKeySafe(text))).length > 0);
  });
}

const moved: [name: string, change: (safe: KeySafe) => object][] = [
  ['another VM', (safe) => ({ ...safe, vm: otherVm })],
  ['an older generation', (safe) => ({ ...safe, gen: 2 })],
  ['swapped keys', (safe) => ({ ...safe, parts: swap(safe.parts) })],
  ['another LUKS image', (safe) => ({ ...safe, parts: safe.parts.map((part) => ({ ...part, luks: luks(9) })) })],
  ['another name', (safe) => ({ ...safe, parts: safe.parts.map((part) => ({ ...part, id: 'vdz' })) })],
];

for (const [name, change] of moved) {
  test(`a key that was moved (${name}) does not open even for who does not look at the MAC`, async () => {
    const text = changed(await writeKeySafe(content()), change);
    await assert.rejects(open(text), problem('keysafe.invalid', /MAC/));
    await assert.rejects(openParts(readKeySafe(text)), problem('keysafe.invalid', /made for another VM, disk or gen/));
  });
}

test('the keys of one provider do not open under the name of another', async () => {
  const text = await writeKeySafe(content());
  const renamed: OpenKek = { ...kek, reference: { ...kek.reference, prv: otherVm } as OpenKek['reference'] };
  await assert.rejects(openParts(readKeySafe(text), renamed), problem('keysafe.invalid'));
});

test('two KEKs while a re-encryption goes on: both MACs stand over the same text', async () => {
  const next: OpenKek = { ...kek, n: 1, key: createSecretKey(Buffer.alloc(32, 8)) };
  const [first, second, third] = content().parts;
  const parts = [first!, { ...second!, kek: 1 }, third!];
  const text = await writeKeySafe(content({ keks: [kek, next], parts }));
  const safe = readKeySafe(text);
  for (const each of [kek, next]) verifyKeySafe(text, safe, each);
  assert.deepEqual(bytesOf(await openPart(safe, safe.parts[1]!, next)), new Uint8Array(64).fill(2));
  const alone = changed(text, (each) => ({ ...each, mac: [each.mac[1]!] }));
  assert.throws(() => verifyKeySafe(alone, readKeySafe(alone), kek), problem('keysafe.invalid', /MAC/));
});

test('another KEK opens nothing', async () => {
  const text = await writeKeySafe(content());
  const other = { ...kek, key: createSecretKey(Buffer.alloc(32, 10)) };
  await assert.rejects(open(text, other), problem('keysafe.invalid', /MAC/));
  await assert.rejects(openParts(readKeySafe(text), other), problem('keysafe.invalid', /does not open/));
});

test('a DEK of another length than 64 bytes is refused', async () => {
  for (const length of [0, 32, 63, 65]) {
    const parts = [{ ...content().parts[0]!, dek: Secret.take(new Uint8Array(length)) }];
    await assert.rejects(open(await writeKeySafe(content({ parts }))), problem('keysafe.invalid'), String(length));
  }
});

test('malformed key safes are refused before any key is asked for', async () => {
  const text = await writeKeySafe(content());
  const twice = (name: string) => text.replace(`"${name}":`, `"${name}":1,"${name}":`);
  const malformed = [
    '',
    'null',
    '[]',
    '{}',
    ` ${text.slice(1)}`,
    text.replace(',"mac":', ', "mac":'),
    text.replace('"mac"', '"\\u006dac"'),
    ...['vm', 'gen', 'bound', 'keks', 'parts', 'mac', 'id', 'h'].map(twice),
    changed(text, (safe) => ({ ...safe, more: 1 })),
    changed(text, (safe) => ({ ...safe, v: 2 })),
    changed(text, (safe) => ({ ...safe, gen: 0 })),
    changed(text, (safe) => ({ ...safe, gen: 1.5 })),
    changed(text, (safe) => ({ ...safe, vm: vm.toUpperCase() })),
    changed(text, (safe) => ({ ...safe, keks: [] })),
    changed(text, (safe) => ({ ...safe, keks: [safe.keks[0], safe.keks[0], safe.keks[0]] })),
    changed(text, (safe) => ({ ...safe, keks: [{ ...safe.keks[0], kind: 'other' }] })),
    changed(text, (safe) => ({ ...safe, parts: [] })),
    changed(text, (safe) => ({ ...safe, mac: [] })),
    '['.repeat(1e5),
    `${text}${' '.repeat(maxKeySafe)}`,
  ];
  for (const each of malformed) assert.throws(() => readKeySafe(each), problem('keysafe.invalid'), each.slice(0, 60));
});

test('a MAC has one spelling', async () => {
  const text = await writeKeySafe(content());
  const at = text.lastIndexOf('"}]}') - 1;
  for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
    const other = `${text.slice(0, at)}${last}${text.slice(at + 1)}`;
    if (other !== text)
      assert.throws(() => verifyKeySafe(other, readKeySafe(other), kek), problem('keysafe.invalid', /MAC/));
  }
});

test('members behind the MAC do not escape it', async () => {
  const text = await writeKeySafe(content());
  const { parts, ...rest } = JSON.parse(text) as KeySafe;
  const behind = JSON.stringify({ ...rest, parts });
  assert.throws(() => verifyKeySafe(behind, readKeySafe(behind), kek), problem('keysafe.invalid', /MAC/));
});

test('every cut and many seeded changes of a key safe are refused', async () => {
  const text = await writeKeySafe(content());
  everyTruncation(Buffer.from(text), (cut) => {
    assert.throws(() => readKeySafe(Buffer.from(cut).toString()), problem('keysafe.invalid'));
  });
  let read = 0;
  mutations([Buffer.from(text)], 12, 2000, (bytes) => {
    const mutated = Buffer.from(bytes).toString();
    if (mutated === text) return;
    try {
      const safe = readKeySafe(mutated);
      read++;
      assert.throws(() => verifyKeySafe(mutated, safe, kek), problem('keysafe.invalid', /MAC/), mutated);
    } catch (error) {
      problem('keysafe.invalid')(error);
    }
  });
  assert.ok(read > 20, `only ${read} mutations came as far as the MAC`);
});

const swap = ([first, second, ...rest]: KeySafePart[]): KeySafePart[] => [
  { ...first!, key: second!.key },
  { ...second!, key: first!.key },
  ...rest,
];
