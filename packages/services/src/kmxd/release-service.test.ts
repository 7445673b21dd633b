import assert from 'node:assert/strict';
import { createSecretKey, type KeyObject, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, test } from 'node:test';
import { signAssertion } from '@vouchsafe/domain/attestation/saml/assertion';
import { verifyAssertion } from '@vouchsafe/domain/attestation/saml/verify-assertion';
import { signToken, type TokenClaims } from '@vouchsafe/domain/attestation/token';
import { makeProof, proofHash } from '@vouchsafe/domain/keys/dpop';
import { jwkOf } from '@vouchsafe/domain/keys/jwk';
import { readKekHeader, wrapKek } from '@vouchsafe/domain/keys/kek';
import {
  type ReleaseAnswer,
  type ReleaseItem,
  type ReleaseOperation,
  readProvidersAnswer,
  readReleaseAnswer,
} from '@vouchsafe/domain/keys/release';
import { openSealedKey } from '@vouchsafe/domain/keys/sealed-key';
import { verifyAnswer } from '@vouchsafe/domain/keys/signed-answer';
import { Problem } from '@vouchsafe/domain/problem';
import {
  type Certified,
  newSession,
  sampleClaims,
  type TestGroup,
  type TestSession,
  testGroup,
  testTime,
} from '@vouchsafe/domain/testing/group';
import { problem } from '@vouchsafe/domain/testing/problem';
import { tokenAttacks } from '@vouchsafe/domain/testing/token-attacks';
import { type TestMembership, testMembership } from '../host/testing/membership.ts';
import { type TestPart, testPart } from '../management/testing/part.ts';
import { defaultProvider, type Provider, ProviderConfiguration } from './configuration.ts';
import { type PrimaryKeySource, PrimaryKeys, primaryKeyLifetime } from './primary-keys.ts';
import { openRules, releaseItem } from './release-item.ts';
import { type HostRequest, ReleaseService } from './release-service.ts';

const url = 'https://ta.example:7443';
const servers = [{ name: 'k', address: { hostname: 'kms.example' } }];

/** A key server: keys by name, whoever asks. Providers share it. */
class FakeSource implements PrimaryKeySource {
  readonly keys = new Map<string, KeyObject>();
  readonly asked: string[] = [];
  active = true;
  fails: Problem | undefined;
  /** What happens while the key server takes its time. */
  onGet: () => void = () => undefined;

  get(_provider: Provider, uid: string): Promise<{ key: KeyObject; active: boolean }> {
    this.asked.push(uid);
    this.onGet();
    const key = this.keys.get(uid);
    if (this.fails !== undefined) return Promise.reject(this.fails);
    if (key === undefined) return Promise.reject(new Problem('kmip.refused', `no object ${uid}`));
    return Promise.resolve({ key, active: this.active });
  }
}

let ours: TestGroup;
let attestd: Certified;
let kmxd: Certified;
let part: TestPart;
let membership: TestMembership;
let providers: ProviderConfiguration;
let source: FakeSource;
let primaryKeys: PrimaryKeys;
let demo: Provider;
let session: TestSession;
let now = testTime;
/** What the clock of the service says next, before it says `now` again. */
let coming: number[] = [];

beforeEach(async () => {
  ours = await testGroup();
  [attestd, kmxd] = [await ours.inRole('attestd'), await ours.inRole('kmxd')];
  part = testPart();
  membership = testMembership();
  now = testTime;
  coming = [];
  providers = new ProviderConfiguration(part.store);
  source = new FakeSource();
  source.keys.set('primary', createSecretKey(Buffer.alloc(32, 1)));
  source.keys.set('foreign', createSecretKey(Buffer.alloc(32, 2)));
  primaryKeys = new PrimaryKeys(source, () => now);
  demo = addProvider('demo', 'primary');
  session = newSession();
});
afterEach(() => part.close());

const addProvider = (name: string, uid: string, change: Partial<Provider> = {}): Provider =>
  providers.add({ ...defaultProvider, name, servers, primary_keys: [{ uid, role: 'current' }], ...change });

const service = () =>
  new ReleaseService({
    group: ours.group,
    membership,
    url,
    providers,
    primaryKeys,
    signer: () => kmxd,
    audit: (entries) => part.audit(...entries),
    now: () => coming.shift() ?? now,
  });

const tokenOf = (change: Partial<TokenClaims> = {}, of = session) =>
  signToken(attestd.key, attestd.certificate, sampleClaims(ours.group, of, change));

interface Call {
  readonly op?: string;
  readonly token?: string;
  readonly nonce?: string;
  readonly jti?: string;
  readonly by?: TestSession;
}

async function requestFor(of: ReleaseService, body: object, call: Call = {}): Promise<HostRequest> {
  const { op = 'decrypt', by = session } = call;
  const raw = JSON.stringify(body);
  const token = call.token ?? (await tokenOf());
  const nonce = call.nonce ?? (await of.nonce());
  const jti = call.jti ?? randomUUID();
  const proof = await makeProof({ ...by.signing, token, url: `${url}/kms/${op}`, body: raw, nonce, jti, now });
  return { path: `/kms/${op}`, authorization: `DPoP ${token}`, proof, raw };
}

async function release(op: ReleaseOperation, items: object[], call: Call = {}, of = service()): Promise<ReleaseItem[]> {
  const request = await requestFor(of, { items }, { op, ...call });
  const answer = await of.release(op, request);
  const aud = sampleClaims(ours.group, session).sub;
  const expected = { op, aud, req: proofHash(request.proof ?? '') };
  const read: ReleaseAnswer = await verifyAnswer(answer, ours.group, readReleaseAnswer, expected, now);
  return [...read.items];
}

const ciphertext = async (call: Call = {}): Promise<string> =>
  String((await release('generate-key', [{ prv: demo.id }], call))[0]?.ct);

test('a key is made, released again and wrapped anew; its plaintext is always the same', async () => {
  const [made] = await release('generate-key', [{ prv: demo.id }]);
  const kek = await openSealedKey(session.encryption.privateKey, String(made?.key));
  const [opened] = await release('decrypt', [{ prv: demo.id, ct: made?.ct }]);
  assert.ok(kek.equals(await openSealedKey(session.encryption.privateKey, String(opened?.key))));
  now += 5;
  const [rewrapped] = await release('rewrap', [{ prv: demo.id, ct: made?.ct }]);
  assert.equal(rewrapped?.key, undefined, 'no plaintext leaves with a rewrap');
  assert.deepEqual(readKekHeader(String(rewrapped?.ct)).iat, now);
  const [again] = await release('decrypt', [{ prv: demo.id, ct: rewrapped?.ct }]);
  assert.ok(kek.equals(await openSealedKey(session.encryption.privateKey, String(again?.key))));
  assert.deepEqual(
    part.records.map(({ action, outcome }) => [action, outcome]),
    ['key.generate', 'key.release', 'key.rewrap', 'key.release'].map((action) => [action, 'success']),
  );
});

test('an answer is sealed to the key in the token: whoever carries the token elsewhere cannot open it', async () => {
  const [made] = await release('generate-key', [{ prv: demo.id }]);
  const thief = newSession();
  await assert.rejects(openSealedKey(thief.encryption.privateKey, String(made?.key)), problem('service.untrusted'));
});

test('a hundred items come back in their order, each with its own verdict', async () => {
  const ct = await ciphertext();
  const items = Array.from({ length: 100 }, (_, i) => ({ prv: demo.id, ct: i % 2 === 0 ? ct : `${ct}x` }));
  const answers = await release('decrypt', items);
  assert.deepEqual(
    answers.map(({ problem: kind }) => kind),
    items.map((_, i) => (i % 2 === 0 ? undefined : 'release.refused')),
  );
});

type Attack = (of: ReleaseService) => Promise<HostRequest>;
const unauthorised: [name: string, kind: 'token.invalid' | 'proof.invalid' | 'proof.nonce', attack: Attack][] = [
  ['no token', 'token.invalid', async (of) => ({ ...(await requestFor(of, {})), authorization: undefined })],
  [
    'a bearer token',
    'token.invalid',
    async (of) => ({ ...(await requestFor(of, {})), authorization: `Bearer ${await tokenOf()}` }),
  ],
  ['no proof', 'proof.invalid', async (of) => ({ ...(await requestFor(of, {})), proof: undefined })],
  ['a stolen token and a key of the thief', 'proof.invalid', (of) => requestFor(of, {}, { by: newSession() })],
  [
    'a token of an attestd outside the group',
    'token.invalid',
    async (of) => {
      const other = await testGroup();
      const { key, certificate } = await other.inRole('attestd');
      return requestFor(of, {}, { token: await signToken(key, certificate, sampleClaims(ours.group, session)) });
    },
  ],
  [
    'a token for another group',
    'token.invalid',
    async (of) => requestFor(of, {}, { token: await tokenOf({ aud: 'A'.repeat(43) }) }),
  ],
  [
    'an expired token',
    'token.invalid',
    async (of) => requestFor(of, {}, { token: await tokenOf({ iat: now - 700, exp: now - 100 }) }),
  ],
  ['a nonce of another instance', 'proof.nonce', async (of) => requestFor(of, {}, { nonce: await service().nonce() })],
  ['an exchanged body', 'proof.invalid', async (of) => ({ ...(await requestFor(of, {})), raw: '{"items":[]}' })],
  [
    'a proof for another operation',
    'proof.invalid',
    async (of) => ({ ...(await requestFor(of, {})), path: '/kms/rewrap' }),
  ],
];

for (const [name, kind, attack] of unauthorised) {
  test(`${name}: refused before the request is looked at`, async () => {
    const of = service();
    await assert.rejects(of.release('decrypt', await attack(of)), problem(kind));
    await assert.rejects(of.listProviders(await attack(of)), problem(kind));
    assert.deepEqual(source.asked, []);
    // A genuine token in wrong hands is worth a record; what nobody signed is not.
    const recorded = kind === 'proof.invalid' && name !== 'no proof' ? ['key.refuse', 'key.refuse'] : [];
    assert.deepEqual(
      part.records.map(({ action, problem: why, target }) => (why === kind ? action : target)),
      recorded,
    );
  });
}

for (const { case: id, name, make } of tokenAttacks) {
  test(`${id}: a token ${name} opens nothing`, async () => {
    const of = service();
    const token = await make({ ours, attestd, session });
    const attack = await requestFor(of, { items: [{ prv: demo.id, ct: 'x' }] }, { token });
    await assert.rejects(of.release('decrypt', attack), problem('token.invalid'));
    assert.deepEqual(source.asked, []);
  });
}

test('a SAML assertion of the same attestation opens nothing: keys are released for tokens only', async () => {
  const of = service();
  const order = { claims: sampleClaims(ours.group, session), holder: jwkOf(session.signing.publicKey) };
  const saml = signAssertion(attestd.key, attestd.certificate, order);
  await verifyAssertion(saml, ours.group, now);
  for (const token of [saml, Buffer.from(saml).toString('base64'), Buffer.from(saml).toString('base64url')]) {
    const attack = await requestFor(of, { items: [] }, { token });
    await assert.rejects(of.release('decrypt', attack), problem('token.invalid'));
  }
});

test('a request is good once, also when it comes twice at the same time or long after', async () => {
  const of = service();
  const request = await requestFor(of, { items: [{ prv: demo.id }] }, { op: 'generate-key' });
  const both = await Promise.allSettled([of.release('generate-key', request), of.release('generate-key', request)]);
  assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  for (const later of [59, 60, 61, 200]) {
    now = testTime + later;
    await assert.rejects(of.release('generate-key', request), Problem);
  }
});

test('a number that was used once stays used while the clock goes on between the look at nonce and number', async () => {
  const of = service();
  const request = await requestFor(of, { items: [{ prv: demo.id }] }, { op: 'generate-key' });
  await of.release('generate-key', request);
  now = testTime + 60;
  // Token and nonce are looked at in one second, the number in the next one.
  coming.push(now, now);
  now += 1;
  await assert.rejects(of.release('generate-key', request), problem('proof.invalid', /used already/));
});

test('what is no release request is refused after the caller has proved itself', async () => {
  const bodies = [{}, { items: [] }, { items: [{}] }, { items: [{ prv: 'x' }] }, { items: [], more: 1 }];
  for (const body of [...bodies, { items: Array(101).fill({ prv: demo.id }) }]) {
    const of = service();
    await assert.rejects(of.release('decrypt', await requestFor(of, body)), problem('input.invalid'));
  }
});

/** Asks for one item as a host with these claims, with one of the rules taken out. */
async function without(rule: string, item: { prv: string; ct: string }, change: Partial<TokenClaims> = {}) {
  const rules = openRules.filter(({ id }) => id !== rule);
  assert.equal(rules.length, openRules.length - 1);
  const token = sampleClaims(ours.group, session, change);
  return await releaseItem('decrypt', item, token, { providers, primaryKeys, now: () => now }, rules);
}

test('kid of another provider: a key on the same key server is not used, nor even asked for', async () => {
  const kek = Buffer.alloc(32, 7);
  const victim = addProvider('victim', 'foreign');
  const maker = { prv: demo.id, kid: 'foreign', scp: 'cluster-a', iat: now };
  const ct = await wrapKek(createSecretKey(Buffer.alloc(32, 2)), maker, kek);
  const item = { prv: demo.id, ct };
  const [refused] = await release('decrypt', [item]);
  assert.deepEqual([refused?.problem, refused?.key, source.asked], ['release.refused', undefined, []]);
  const lax = await without('kek.primary-key', item);
  assert.deepEqual((await openSealedKey(session.encryption.privateKey, String(lax.key))).export(), kek);
  assert.deepEqual(source.asked, ['foreign'], 'without the rule the key of the other provider is used');
  assert.ok(victim.id !== demo.id);
});

test('ciphertext of another provider: it is not opened through one that shares its primary key', async () => {
  const ct = await ciphertext();
  const twin = addProvider('twin', 'primary');
  const item = { prv: twin.id, ct };
  assert.equal((await release('decrypt', [item]))[0]?.problem, 'release.refused');
  assert.ok((await without('kek.provider', item)).key);
});

test('ciphertext of another cluster: refused with share "own", opened with "all"', async () => {
  const ct = await ciphertext();
  const token = await tokenOf({ scope: 'cluster-b' });
  const item = { prv: demo.id, ct };
  assert.ok((await release('decrypt', [item], { token }))[0]?.key);
  providers.put({ ...demo, share: 'own' });
  assert.equal((await release('decrypt', [item], { token }))[0]?.problem, 'release.refused');
  assert.ok((await release('decrypt', [item]))[0]?.key, 'the cluster that made it opens it');
  assert.ok((await without('kek.scope', item, { scope: 'cluster-b' })).key);
  const [header = '', ...rest] = ct.split('.');
  const forged = { ...JSON.parse(Buffer.from(header, 'base64url').toString()), scp: 'cluster-b' };
  const changed = [Buffer.from(JSON.stringify(forged)).toString('base64url'), ...rest].join('.');
  const [answer] = await release('decrypt', [{ prv: demo.id, ct: changed }], { token });
  assert.equal(answer?.problem, 'release.refused', 'the scope is authenticated');
});

test('unknown provider, foreign key and damaged text are told by the same words', async () => {
  const ct = await ciphertext();
  const stranger = randomUUID();
  const foreign = await wrapKek(
    createSecretKey(Buffer.alloc(32, 2)),
    {
      prv: demo.id,
      kid: 'foreign',
      scp: 'cluster-a',
      iat: now,
    },
    new Uint8Array(32),
  );
  const items = [
    { prv: stranger, ct },
    { prv: demo.id, ct: foreign },
    { prv: demo.id, ct: `${ct}A` },
    { prv: demo.id, ct: 'nothing' },
  ];
  const answers = await release('decrypt', items);
  assert.deepEqual(
    new Set(answers.map(({ problem: kind, detail }) => `${kind}: ${detail}`)),
    new Set(['release.refused: the key is not released']),
  );
});

test('a host whose userspace nobody measured, or that nobody approved, gets a key only where the provider says so', async () => {
  const { submods } = sampleClaims(ours.group, session);
  const vector = { ...submods.host['ear.trustworthiness-vector'], executables: 'warning' as const };
  const host = { ...submods.host, 'ear.status': 'warning' as const, 'ear.trustworthiness-vector': vector };
  const unmeasured = await tokenOf({ submods: { host } });
  const auto = await tokenOf({ enrolled: 'auto' });
  const ask = async (token: string) => (await release('generate-key', [{ prv: demo.id }], { token }))[0]?.problem;
  assert.deepEqual([await ask(unmeasured), await ask(auto)], ['release.unmeasured', 'release.refused']);
  providers.put({ ...demo, accept_unmeasured_userspace: true, accept_auto_enrolled: true });
  assert.deepEqual([await ask(unmeasured), await ask(auto)], [undefined, undefined]);
});

const sub = `ek:${'ab'.repeat(32)}`;

test('a denied host gets nothing, in the same second; nor does a token of an epoch before', async () => {
  const ct = await ciphertext();
  membership.standing.join(membership.standing.denial(sub, now));
  await assert.rejects(release('decrypt', [{ prv: demo.id, ct }]), problem('token.invalid', /denied/));
  membership.standing.join(membership.standing.lifting(sub));
  const later = await tokenOf({ iat: now + 1 });
  assert.ok((await release('decrypt', [{ prv: demo.id, ct }], { token: later }))[0]?.key, 'approved again');
  membership.standing.join(membership.standing.raising());
  await assert.rejects(
    release('decrypt', [{ prv: demo.id, ct }], { token: later }),
    problem('token.invalid', /epoch 0/),
  );
  const anew = await tokenOf({ iat: now + 1, epoch: 1 });
  assert.ok((await release('decrypt', [{ prv: demo.id, ct }], { token: anew }))[0]?.key);
});

test('a revocation that arrives while the key server takes its time comes before the release, and the records show it', async () => {
  const ct = await ciphertext();
  const fetched = part.records.length;
  now += primaryKeyLifetime;
  source.onGet = () => void membership.standing.join(membership.standing.denial(sub, now));
  await assert.rejects(release('decrypt', [{ prv: demo.id, ct }]), problem('token.invalid', /denied/));
  assert.deepEqual(part.records.slice(fetched), [], 'nothing was released');
});

test('a host that was cut off for too long releases nothing, also when that happens within a request', async () => {
  const ct = await ciphertext();
  const stopped = new Problem('group.stale', 'cut off');
  now += primaryKeyLifetime;
  source.onGet = () => {
    membership.stopped = stopped;
  };
  await assert.rejects(release('decrypt', [{ prv: demo.id, ct }]), problem('group.stale'));
  await assert.rejects(service().listProviders(await requestFor(service(), {})), problem('group.stale'));
});

test('what a key may be used for comes with it, as the provider says', async () => {
  providers.put({ ...demo, uses: ['run'] });
  const [made] = await release('generate-key', [{ prv: demo.id }]);
  assert.deepEqual(made?.uses, ['run']);
});

test('nothing is released without a record', async () => {
  const ct = await ciphertext();
  part.full = true;
  await assert.rejects(release('decrypt', [{ prv: demo.id, ct }]), /no space left/);
});

test('a refusal is recorded with host, key and reason', async () => {
  await release('decrypt', [{ prv: demo.id, ct: 'nothing' }]);
  const [record] = part.records;
  assert.deepEqual([record?.action, record?.outcome, record?.problem], ['key.refuse', 'failure', 'release.refused']);
  assert.equal(record?.target.id, proofHash('nothing'));
  assert.equal(record?.detail.host, 'host-1');
});

test('a primary key that is not active opens and does not wrap; it is asked for again after a while', async () => {
  const ct = await ciphertext();
  source.active = false;
  now += primaryKeyLifetime;
  assert.ok((await release('decrypt', [{ prv: demo.id, ct }]))[0]?.key);
  assert.equal((await release('generate-key', [{ prv: demo.id }]))[0]?.problem, 'kmip.key-unusable');
  assert.deepEqual(source.asked, ['primary', 'primary'], 'once a lifetime');
  source.fails = new Problem('kmip.unreachable', 'down');
  now += primaryKeyLifetime;
  assert.equal((await release('decrypt', [{ prv: demo.id, ct }]))[0]?.problem, 'kmip.unreachable');
  source.fails = undefined;
  assert.ok((await release('decrypt', [{ prv: demo.id, ct }]))[0]?.key, 'a failure is not remembered');
});

test('hosts see the providers by name', async () => {
  const of = service();
  const request = await requestFor(of, {}, { op: 'list-providers' });
  const aud = sampleClaims(ours.group, session).sub;
  const expected = { op: 'list-providers', aud, req: proofHash(request.proof ?? '') };
  const answer = await verifyAnswer(await of.listProviders(request), ours.group, readProvidersAnswer, expected, now);
  assert.deepEqual(answer.providers, [{ prv: demo.id, name: 'demo', uses: demo.uses }]);
});
