import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { firstRefusal } from '../rules.ts';
import { type TestGroup, testGroup, testTime } from '../testing/group.ts';
import { problem } from '../testing/problem.ts';
import { jwkOf, newPair, thumbprint } from './jwk.ts';
import { type CenterSigner, digestOfPush, openPush, type PushContent, sealPush } from './push.ts';
import { type PresentedPush, pushRules, type Told, toldBy } from './push-rules.ts';
import { keyUses } from './reference.ts';

const prv = '11111111-2222-4333-8444-555555555555';
const kdk = ['aaaaaaaa-2222-4333-8444-555555555555', 'bbbbbbbb-2222-4333-8444-555555555555'] as const;
const host = newPair();
const recipient = jwkOf(host.publicKey);

const center = await testGroup('a center');
const signerOf = async (group: TestGroup, role: 'center' | 'member' = 'center'): Promise<CenterSigner> => ({
  ...(await group.inRole(role)),
  ca: new X509Certificate(group.authority.certificatePem),
});
const signer = await signerOf(center);

const native = (change: Partial<PushContent> = {}): PushContent =>
  ({
    kind: 'native',
    prv,
    gen: 3,
    name: 'vault',
    uses: [...keyUses],
    keys: [kdk[0]],
    current: kdk[0],
    tpm_required: false,
    ...change,
  }) as PushContent;
const standard = (change: object = {}): PushContent =>
  ({
    kind: 'standard',
    prv,
    gen: 3,
    name: 'hsm',
    uses: [...keyUses],
    key: '17',
    state: 'Active',
    ...change,
  }) as PushContent;
const removal = (change: object = {}): PushContent =>
  ({ kind: 'native', prv, gen: 4, removed: true, ...change }) as PushContent;

const key = () => Secret.take(new Uint8Array(32).fill(5));
const seal = (content: PushContent, by = signer, to = recipient, secret = key()) =>
  sealPush(by, to, content, secret, testTime);

async function presented(content: PushContent, change: Partial<PresentedPush> = {}, by = signer) {
  const { claims, signer: certificate, ca } = await openPush(host.privateKey, await seal(content, by));
  const me = thumbprint(recipient);
  const pinned = center.group.id;
  return {
    claims,
    signer: certificate,
    ca,
    center: pinned,
    me,
    now: testTime,
    provider: undefined,
    key: undefined,
    ...change,
  };
}
const ruleOf = async (push: PresentedPush) => (await firstRefusal(pushRules, push))?.rule;
const told = (content: PushContent, before?: Told) => toldBy(content, before);

test('a push comes back as it was sealed, and only with the key of its host', async () => {
  for (const content of [native(), standard(), removal(), removal({ kind: 'standard', key: '17' })]) {
    const sealed = await seal(content);
    const { claims, bytes } = await openPush(host.privateKey, sealed);
    assert.deepEqual(claims, {
      v: 1,
      iss: center.group.id,
      aud: thumbprint(recipient),
      iat: testTime,
      ...content,
    });
    assert.deepEqual(bytes, new Uint8Array(32).fill(5));
    assert.equal(await ruleOf(await presented(content)), undefined);
    await assert.rejects(openPush(newPair().privateKey, sealed), problem('push.refused', /not sealed to the key of/));
  }
});

test('what is no push, or says what cannot be, is refused by name', async () => {
  const wrong: [PushContent, RegExp][] = [
    [native({ current: kdk[1] } as object), /^current/],
    [native({ tpm_required: true } as object), /^tpm/],
    [native({ tpm: { blob: 'AA', secret: 'AA' } } as object), /^tpm/],
    [native({ keys: [] } as object), /keys/],
    [native({ gen: 0 }), /gen/],
    [native({ prv: 'x' }), /prv/],
    [standard({ state: 'Active\u001b[31m' }), /state/],
    [removal({ key: '17' }), /removed whole/],
    [{ ...native(), extra: 1 } as unknown as PushContent, /./],
  ];
  for (const [content, text] of wrong)
    await assert.rejects(openPush(host.privateKey, await seal(content)), problem('push.refused', text));
  for (const text of ['', 'a.b.c.d.e', 'x'.repeat(70_000)])
    await assert.rejects(openPush(host.privateKey, text), problem('push.refused'));
});

test('every bit of a sealed push counts', async () => {
  const sealed = await seal(native());
  for (let at = 0; at < sealed.length; at += 7) {
    const other = sealed[at] === 'A' ? 'B' : 'A';
    const changed = `${sealed.slice(0, at)}${other}${sealed.slice(at + 1)}`;
    const text = await openPush(host.privateKey, changed).then(
      ({ claims, bytes }) => JSON.stringify([claims, [...bytes]]),
      (error) => {
        problem('push.refused')(error);
        return undefined;
      },
    );
    assert.equal(text, undefined, `character ${at}`);
  }
});

/** What an attacker would get in, and the rule that stops it: without that rule it gets in. */
const stolen = await signerOf(await testGroup('an attacker'));
const attacks: Record<string, { rule: string; also?: string; push: () => Promise<PresentedPush> }> = {
  'a center that is not the pinned one': { rule: 'push.center', push: () => presented(native(), {}, stolen) },
  'a host that pinned no center': { rule: 'push.center', push: () => presented(native(), { center: undefined }) },
  'a certificate of the center for something else': {
    rule: 'push.center',
    push: async () => presented(native(), {}, await signerOf(center, 'member')),
  },
  'a push to another host': { rule: 'push.audience', push: () => presented(native(), { me: 'A'.repeat(43) }) },
  'an old push': { rule: 'push.time', push: () => presented(native(), { now: testTime + 601 }) },
  'a push made in advance': { rule: 'push.time', push: () => presented(native(), { now: testTime - 61 }) },
  'a provider of another kind': { rule: 'push.kind', push: () => presented(standard(), { provider: told(native()) }) },
  'a deleted provider, replayed': {
    rule: 'push.removed',
    also: 'push.generation',
    push: () => presented(native(), { provider: told(removal()) }),
  },
  'a deleted provider, pushed with a higher generation': {
    rule: 'push.removed',
    push: () => presented(native({ gen: 9 }), { provider: told(removal()) }),
  },
  'a deleted provider, restored from another removal': {
    rule: 'push.removed',
    push: () => presented(native({ gen: 9, restores: 3 } as object), { provider: told(removal()) }),
  },
  'a key of a deleted provider': {
    rule: 'push.removed',
    push: () => presented(standard({ gen: 9 }), { provider: told(removal({ kind: 'standard' })) }),
  },
  'a deleted key of a provider': {
    rule: 'push.removed',
    push: () => presented(standard({ gen: 9 }), { key: told(removal({ kind: 'standard', key: '17' })) }),
  },
  'a state before a rotation': {
    rule: 'push.generation',
    push: () => presented(native(), { provider: told(native({ gen: 4 })) }),
  },
  'an old removal after a restoration': {
    rule: 'push.generation',
    push: () => presented(removal(), { provider: told(native({ gen: 5 }), told(removal())) }),
  },
  'an old key after a restoration of its provider': {
    rule: 'push.generation',
    push: () => presented(standard(), { provider: told(standard({ gen: 5 }), told(removal({ kind: 'standard' }))) }),
  },
  'two contents under one generation': {
    rule: 'push.once',
    push: () => presented(native(), { provider: told(native({ uses: ['run'] } as object)) }),
  },
};
for (const [name, { rule, also, push }] of Object.entries(attacks)) {
  test(`${name}: refused by ${rule}, and by ${also ?? 'nothing'} else`, async () => {
    const subject = await push();
    assert.equal(await ruleOf(subject), rule);
    const others = pushRules.filter(({ id }) => id !== rule);
    assert.equal((await firstRefusal(others, subject))?.rule, also);
  });
}

test('every rule is shown by an attack', () => {
  assert.deepEqual(
    pushRules.map(({ id }) => id).toSorted(),
    [...new Set(Object.values(attacks).map(({ rule }) => rule))].toSorted(),
  );
});

test('the same push again says nothing new; a removal wins over a push of its generation', async () => {
  const again = await presented(native(), { provider: told(native()) });
  assert.equal(await ruleOf(again), undefined);
  assert.equal(digestOfPush(again.claims), told(native()).digest, 'whatever the time it was made');
  assert.equal(await ruleOf(await presented(removal({ gen: 3 }), { provider: told(native()) })), undefined);
  assert.equal(await ruleOf(await presented(native({ gen: 4 }), { provider: told(removal()) })), 'push.removed');
});

test('a removal is taken back only by its generation', async () => {
  const back = native({ gen: 5, restores: 4 } as object);
  assert.equal(await ruleOf(await presented(back, { provider: told(removal()) })), undefined);
  assert.deepEqual(told(back, told(removal())), {
    kind: 'native',
    gen: 5,
    digest: digestOfPush(back),
    removed: false,
    floor: 4,
  });
});
