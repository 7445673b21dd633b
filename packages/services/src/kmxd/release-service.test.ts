import assert from 'node:assert/strict';
import { createPublicKey, createSecretKey, randomUUID, X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, test } from 'node:test';
import { base64url } from '@vouchsafe/bytes/base64url';
import { signAssertion } from '@vouchsafe/domain/attestation/saml/assertion';
import { verifyAssertion } from '@vouchsafe/domain/attestation/saml/verify-assertion';
import { signToken, type TokenClaims } from '@vouchsafe/domain/attestation/token';
import { providerSubject } from '@vouchsafe/domain/group/group-state';
import { whyNotInRole } from '@vouchsafe/domain/group/role';
import { makeProof, proofHash } from '@vouchsafe/domain/keys/dpop';
import { jwkOf } from '@vouchsafe/domain/keys/jwk';
import { readKekHeader, wrapKek } from '@vouchsafe/domain/keys/kek';
import {
  checkMigrationCertificate,
  migrationClaim,
  readMigrationAnswer,
  spkiOfKey,
} from '@vouchsafe/domain/keys/migration';
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
import { firstRefusal } from '@vouchsafe/domain/rules';
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
import { MigrationAuthority } from '../host/migration-authority.ts';
import { type TestMembership, testMembership } from '../host/testing/membership.ts';
import { type TestPart, testPart } from '../management/testing/part.ts';
import { defaultProvider, type Provider, ProviderConfiguration } from './configuration.ts';
import { PrimaryKeys } from './primary-keys.ts';
import { releaseItem, releaseRules } from './release-item.ts';
import { defaultLimits, HostLimits, type ReleaseLimits } from './release-limits.ts';
import { type HostRequest, migrationRequestRules, ReleaseService } from './release-service.ts';
import { FakeSource } from './testing/fake-source.ts';

const url = 'https://ta.example:7443';
const servers = [{ name: 'k', address: { hostname: 'kms.example' } }];

let ours: TestGroup;
let migration: Promise<MigrationAuthority>;
let attestd: Certified;
let kmxd: Certified;
let part: TestPart;
let membership: TestMembership;
let providers: ProviderConfiguration;
let source: FakeSource;
let primaryKeys: PrimaryKeys;
let demo: Provider;
let session: TestSession;
/** What happens while records are on their way to the disk. */
let onAudit: () => void = () => undefined;
let limits: ReleaseLimits;
let now = testTime;
/** What the clock of the service says next, before it says `now` again. */
let coming: number[] = [];

beforeEach(async () => {
  ours = await testGroup();
  [attestd, kmxd] = [await ours.inRole('attestd'), await ours.inRole('kmxd')];
  const at = () => new Date(now * 1000);
  migration = MigrationAuthority.under(ours.authority, ours.group.ca.validToDate, at);
  part = testPart();
  membership = testMembership();
  now = testTime;
  coming = [];
  limits = defaultLimits;
  providers = new ProviderConfiguration(part.store);
  source = new FakeSource();
  source.keys.set('primary', createSecretKey(Buffer.alloc(32, 1)));
  source.keys.set('foreign', createSecretKey(Buffer.alloc(32, 2)));
  primaryKeys = new PrimaryKeys(source, () => now);
  demo = addProvider('demo', 'primary');
  session = newSession();
  onAudit = () => undefined;
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
    certifyMigration: async (key, host) => {
      const authority = await migration;
      return { certificate: await authority.issue(createPublicKey(key), host), ca: authority.caPem };
    },
    limits: new HostLimits(
      () => limits,
      () => now * 1000,
    ),
    audit: async (entries) => {
      onAudit();
      part.audit(...entries);
    },
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
  const [before, after] = [readKekHeader(String(made?.ct)), readKekHeader(String(rewrapped?.ct))];
  assert.equal(after.iat, before.iat, 'a key grows no younger by being wrapped anew');
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
async function without(rule: string, item: { prv: string; ct?: string }, change: Partial<TokenClaims> = {}) {
  const others = <T extends { id: string }>(of: readonly T[]) => of.filter(({ id }) => id !== rule);
  const rules = { host: others(releaseRules.host), open: others(releaseRules.open) };
  const count = ({ host, open }: typeof rules) => host.length + open.length;
  assert.equal(count(rules), count({ host: [...releaseRules.host], open: [...releaseRules.open] }) - 1);
  const token = sampleClaims(ours.group, session, change);
  const op = item.ct === undefined ? 'generate-key' : 'decrypt';
  const { standing } = membership;
  return (await releaseItem(op, item, token, { providers, primaryKeys, standing, now: () => now }, rules)).item;
}

test('kid of another provider: a key on the same key server is not used, nor even asked for', async () => {
  const kek = Buffer.alloc(32, 7);
  const victim = addProvider('victim', 'foreign');
  const maker = { prv: demo.id, kid: 'foreign', scp: 'cluster-a', iat: now };
  const ct = await wrapKek(createSecretKey(Buffer.alloc(32, 2)), maker, kek);
  const item = { prv: demo.id, ct };
  const [refused] = await release('decrypt', [item, { prv: demo.id, ct: 'x' }]);
  assert.deepEqual([refused?.problem, refused?.key, source.asked], ['provider.catching-up', undefined, []]);
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

test('pairs of scopes are opened one way, beside what a scope made itself', async () => {
  const ct = await ciphertext();
  const item = { prv: demo.id, ct };
  const ask = async (scope: string) =>
    (await release('decrypt', [item], { token: await tokenOf({ scope }) }))[0]?.problem;
  providers.put({ ...demo, share: [{ made_in: 'cluster-a', opened_in: 'cluster-b' }] });
  assert.deepEqual(
    [await ask('cluster-a'), await ask('cluster-b'), await ask('cluster-c')],
    [undefined, undefined, 'release.refused'],
  );
  providers.put({ ...demo, share: [{ made_in: 'cluster-b', opened_in: 'cluster-a' }] });
  assert.equal(await ask('cluster-b'), 'release.refused', 'the other way round');
});

test('keys from before a time are not opened, also not wrapped anew into younger ones', async () => {
  const old = await ciphertext();
  const item = { prv: demo.id, ct: old };
  now += 10;
  const young = await ciphertext();
  const ct = String((await release('rewrap', [item]))[0]?.ct);
  providers.put({ ...demo, min_kek_iat: now });
  for (const op of ['decrypt', 'rewrap'] as const) {
    const kinds = (await release(op, [item, { prv: demo.id, ct }, { prv: demo.id, ct: young }])).map(
      (each) => each.problem,
    );
    assert.deepEqual(kinds, ['release.refused', 'release.refused', undefined]);
  }
  assert.ok((await without('kek.age', item)).key);
  const [head = '', ...rest] = old.split('.');
  const forged = { ...JSON.parse(Buffer.from(head, 'base64url').toString()), iat: now };
  const changed = [Buffer.from(JSON.stringify(forged)).toString('base64url'), ...rest].join('.');
  assert.equal((await release('decrypt', [{ prv: demo.id, ct: changed }]))[0]?.problem, 'release.refused');
});

test('unknown provider, foreign key and damaged text are told by the same words', async () => {
  const ct = await ciphertext();
  const closed = addProvider('closed', 'primary', { scopes: ['cluster-b'] });
  const twin = addProvider('twin', 'primary');
  now += 5;
  const young = await ciphertext();
  const otherScope = await ciphertext({ token: await tokenOf({ scope: 'cluster-b' }) });
  providers.put({ ...demo, share: 'own', min_kek_iat: now });
  const items = [
    { prv: randomUUID(), ct },
    { prv: closed.id, ct },
    { prv: twin.id, ct },
    { prv: demo.id, ct: otherScope },
    { prv: demo.id, ct },
    { prv: demo.id, ct: `${young}A` },
    { prv: demo.id, ct: 'nothing' },
  ];
  part.records.length = 0;
  const answers = await release('decrypt', items);
  assert.deepEqual(
    new Set(answers.map(({ problem: kind, detail }) => `${kind}: ${detail}`)),
    new Set(['release.refused: the key is not released']),
  );
  const reasons = part.records.map(({ detail }) => String(detail.reason).replace(/:.*/, ''));
  const expected = ['no such provider', 'provider.scope', 'kek.provider', 'kek.scope', 'kek.age'];
  const last = ['the ciphertext does not open with this primary key', 'this is no KEK ciphertext'];
  assert.deepEqual(reasons, [...expected, ...last], 'the records say why');
});

test('a host whose userspace nobody measured, or that nobody approved, gets a key only where the provider says so', async () => {
  const { submods } = sampleClaims(ours.group, session);
  const vector = { ...submods.host['ear.trustworthiness-vector'], executables: 'warning' as const };
  const host = { ...submods.host, 'ear.status': 'warning' as const, 'ear.trustworthiness-vector': vector };
  const unmeasured = await tokenOf({ submods: { host } });
  const auto = await tokenOf({ enrolled: 'auto' });
  const ask = async (token: string) => (await release('generate-key', [{ prv: demo.id }], { token }))[0]?.problem;
  assert.deepEqual([await ask(unmeasured), await ask(auto)], ['release.refused', 'release.refused']);
  assert.deepEqual(
    part.records.map(({ detail }) => String(detail.reason).replace(/:.*/, '')),
    ['provider.userspace', 'provider.enrolled'],
  );
  assert.ok((await without('provider.userspace', { prv: demo.id }, { submods: { host } })).key);
  assert.ok((await without('provider.enrolled', { prv: demo.id }, { enrolled: 'auto' })).key);
  providers.put({ ...demo, accept_unmeasured_userspace: true, accept_auto_enrolled: true });
  assert.deepEqual([await ask(unmeasured), await ask(auto)], [undefined, undefined]);
});

test('a provider serves the scopes that it names, and shows itself to no others', async () => {
  providers.put({ ...demo, scopes: ['cluster-b'] });
  assert.equal((await release('generate-key', [{ prv: demo.id }]))[0]?.problem, 'release.refused');
  assert.ok((await without('provider.scope', { prv: demo.id })).key);
  assert.deepEqual(await listed(), []);
  assert.deepEqual(
    (await listed(await tokenOf({ scope: 'cluster-b' }))).map(({ name }) => name),
    ['demo'],
  );
});

test('a revoked provider releases nothing, whoever asks, until it is restored', async () => {
  const ct = await ciphertext();
  const { standing } = membership;
  const subject = providerSubject(demo.id);
  standing.join(standing.denial(subject, now));
  const other = addProvider('other', 'primary');
  const kinds = async () => [
    (await release('decrypt', [{ prv: demo.id, ct }]))[0]?.problem,
    (await release('generate-key', [{ prv: demo.id }]))[0]?.problem,
    (await release('generate-key', [{ prv: other.id }]))[0]?.problem,
  ];
  assert.deepEqual(await kinds(), ['release.refused', 'release.refused', undefined]);
  assert.ok((await without('provider.revoked', { prv: demo.id, ct })).key);
  standing.join(standing.lifting(subject));
  assert.deepEqual(await kinds(), [undefined, undefined, undefined]);
});

test('a primary key that is unheard of here sends the host to another instance, and is named in no refusal', async () => {
  const maker = { prv: demo.id, kid: 'next', scp: 'cluster-a', iat: now };
  const ct = await wrapKek(createSecretKey(Buffer.alloc(32, 3)), maker, new Uint8Array(32));
  await assert.rejects(release('decrypt', [{ prv: demo.id, ct }]), problem('provider.catching-up'));
  assert.deepEqual(source.asked, []);
  const [record] = part.records;
  assert.deepEqual([record?.problem, record?.detail.kid], ['provider.catching-up', 'next']);
  const mixed = await release('decrypt', [
    { prv: demo.id, ct },
    { prv: demo.id, ct: await ciphertext() },
  ]);
  assert.deepEqual(
    mixed.map(({ problem: kind }) => kind),
    ['provider.catching-up', undefined],
  );
});

/** A migration certificate for a key, as a host with these claims. */
async function migrationCertificate(spki: Uint8Array, change: Partial<TokenClaims> = {}, of = service()) {
  const token = await tokenOf(change);
  const request = await requestFor(of, { spki: base64url(spki) }, { op: 'migration-certificate', token });
  const aud = sampleClaims(ours.group, session).sub;
  const expected = { op: 'migration-certificate', aud, req: proofHash(request.proof ?? '') };
  return await verifyAnswer(await of.migrationCertificate(request), ours.group, readMigrationAnswer, expected, now);
}

test('an attested host gets a certificate for its migration key, in its registered name, for an hour at most', async () => {
  const { publicKey } = newSession().signing;
  const spki = spkiOfKey(publicKey);
  const answer = await migrationCertificate(spki, { mig: migrationClaim(spki) });
  await checkMigrationCertificate(answer, { group: ours.group, key: publicKey, host: 'host-1', now });
  const leaf = new X509Certificate(answer.certificate);
  assert.deepEqual([leaf.subjectAltName, leaf.keyUsage], ['DNS:host-1', ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']]);
  assert.ok(leaf.validToDate.getTime() - leaf.validFromDate.getTime() <= 3600_000);
  const [record] = part.records;
  assert.deepEqual([record?.action, record?.outcome, record?.target.id], ['migration.certify', 'success', 'host-1']);
});

test('no certificate for a key that the host did not attest, and none for a host that attested no such key', async () => {
  const [mine, other] = [spkiOfKey(newSession().signing.publicKey), spkiOfKey(newSession().signing.publicKey)];
  for (const mig of [undefined, migrationClaim(mine)])
    await assert.rejects(migrationCertificate(other, mig === undefined ? {} : { mig }), problem('migration.refused'));
  assert.deepEqual(
    part.records.map(({ action, outcome }) => [action, outcome]),
    Array(2).fill(['migration.certify', 'failure']),
  );
  const token = sampleClaims(ours.group, session, { mig: migrationClaim(mine) });
  const rules = (ids: typeof migrationRequestRules) => firstRefusal(ids, { token, spki: other });
  assert.equal((await rules(migrationRequestRules))?.rule, 'migration.attested');
  assert.equal(await rules(migrationRequestRules.slice(1)), undefined, 'it is that rule alone');
});

test('no certificate for a host that was denied, also when that happens while it is issued', async () => {
  const spki = spkiOfKey(newSession().signing.publicKey);
  const mig = migrationClaim(spki);
  onAudit = () => void membership.standing.join(membership.standing.denial(sub, now));
  await assert.rejects(migrationCertificate(spki, { mig }), problem('token.invalid', /denied/));
  await assert.rejects(migrationCertificate(spki, { mig }), problem('token.invalid', /denied/));
});

test('a host that asks for migration certificates without end waits, and one that misuses a token fills no disk', async () => {
  limits = { ...defaultLimits, keys_at_once: 200, keys_per_second: 100 };
  const of = service();
  const spki = spkiOfKey(newSession().signing.publicKey);
  const ask = () => migrationCertificate(spki, { mig: migrationClaim(spki) }, of);
  await ask();
  await ask();
  await assert.rejects(ask(), problem('server.busy', /migration certificates: come back in 1 s/));
  const before = part.records.length;
  const steal = async () => await of.release('decrypt', await requestFor(of, {}, { by: newSession() }));
  for (let i = 0; i < 5; i++) await assert.rejects(steal(), problem('proof.invalid'));
  assert.equal(part.records.length - before, 2);
  now += 1;
  await ask();
});

test('a migration certificate is good for migrations alone: it signs no token and no answer of the group', async () => {
  const { signing } = newSession();
  const spki = spkiOfKey(signing.publicKey);
  const { certificate, ca } = await migrationCertificate(spki, { mig: migrationClaim(spki) });
  for (const pem of [certificate, ca]) {
    const signer = new X509Certificate(pem);
    assert.ok(whyNotInRole(signer, ours.group, 'attestd', now));
    assert.ok(whyNotInRole(signer, ours.group, 'kmxd', now));
    assert.ok(whyNotInRole(signer, ours.group, 'member', now));
  }
  const token = await signToken(
    signing.privateKey,
    new X509Certificate(certificate),
    sampleClaims(ours.group, session),
  );
  await assert.rejects(release('decrypt', [{ prv: demo.id, ct: 'x' }], { token }), problem('token.invalid'));
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
  primaryKeys.forget(demo.id);
  source.onAsk = () => void membership.standing.join(membership.standing.denial(sub, now));
  await assert.rejects(release('decrypt', [{ prv: demo.id, ct }]), problem('token.invalid', /denied/));
  assert.deepEqual(part.records.slice(fetched), [], 'nothing was released');
});

test('a revocation that arrives while the record is written holds the answer back: no release behind its record', async () => {
  const ct = await ciphertext();
  onAudit = () => void membership.standing.join(membership.standing.denial(sub, now));
  await assert.rejects(release('decrypt', [{ prv: demo.id, ct }]), problem('token.invalid', /denied/));
});

test('a provider that is revoked while later items wait for a slow key server gives nothing, and no release is recorded', async () => {
  const slow = addProvider('slow', 'foreign');
  await ciphertext();
  const before = part.records.length;
  const subject = providerSubject(demo.id);
  source.onAsk = () => void membership.standing.join(membership.standing.denial(subject, now));
  const [early, late] = await release('generate-key', [{ prv: demo.id }, { prv: slow.id }]);
  assert.deepEqual([early?.problem, early?.key, early?.ct], ['release.refused', undefined, undefined]);
  assert.ok(late?.key);
  assert.deepEqual(
    part.records.slice(before).map(({ action }) => action),
    ['key.refuse', 'key.generate'],
  );
});

test('a provider that is revoked while the record is written releases nothing behind it', async () => {
  const ct = await ciphertext();
  onAudit = () => void membership.standing.join(membership.standing.denial(providerSubject(demo.id), now));
  await assert.rejects(release('decrypt', [{ prv: demo.id, ct }]), problem('release.refused'));
});

test('a host that was cut off for too long releases nothing, also when that happens within a request', async () => {
  const ct = await ciphertext();
  const stopped = new Problem('group.stale', 'cut off');
  primaryKeys.forget(demo.id);
  source.onAsk = () => {
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

test('a primary key that is not active opens and does not wrap; its state is asked for again and again', async () => {
  const ct = await ciphertext();
  const poll = () => primaryKeys.poll(providers.list());
  source.say('primary', 'Deactivated');
  assert.ok((await release('generate-key', [{ prv: demo.id }]))[0]?.key, 'until somebody asks');
  await poll();
  assert.ok((await release('decrypt', [{ prv: demo.id, ct }]))[0]?.key);
  assert.equal((await release('generate-key', [{ prv: demo.id }]))[0]?.problem, 'kmip.key-unusable');
  assert.equal(
    (await release('rewrap', [{ prv: demo.id, ct }]))[0]?.problem,
    'kmip.key-unusable',
    'nothing to wrap with',
  );
});

test('a compromised primary key opens nothing, and is only left by wrapping anew; or not even that', async () => {
  const ct = await ciphertext();
  source.keys.set('second', createSecretKey(Buffer.alloc(32, 3)));
  const primary_keys: Provider['primary_keys'] = [
    { uid: 'primary', role: 'old' },
    { uid: 'second', role: 'current' },
  ];
  providers.put({ ...demo, primary_keys });
  source.say('primary', 'Compromised');
  await primaryKeys.poll(providers.list());
  assert.equal((await release('decrypt', [{ prv: demo.id, ct }]))[0]?.problem, 'kmip.key-unusable');
  const [rewrapped] = await release('rewrap', [{ prv: demo.id, ct }]);
  assert.equal(readKekHeader(String(rewrapped?.ct)).kid, 'second');
  assert.ok((await release('decrypt', [{ prv: demo.id, ct: rewrapped?.ct }]))[0]?.key);
  providers.put({ ...demo, primary_keys, deny_compromised: true });
  assert.equal((await release('rewrap', [{ prv: demo.id, ct }]))[0]?.problem, 'kmip.key-unusable');
});

test('a host that asks for more keys than it may is sent away for a while', async () => {
  limits = { ...defaultLimits, keys_at_once: 100, keys_per_second: 10 };
  const [of, items] = [service(), Array(100).fill({ prv: demo.id })];
  await release('generate-key', items, {}, of);
  await assert.rejects(release('generate-key', [{ prv: demo.id }], {}, of), problem('server.busy', /come back in 1 s/));
  assert.equal((await release('decrypt', [{ prv: demo.id, ct: 'x' }], {}, of)).length, 1, 'another operation');
  now += 1;
  assert.equal((await release('generate-key', [{ prv: demo.id }], {}, of)).length, 1);
});

for (const [on_excess, outcome] of [
  ['record', undefined],
  ['slow', 'server.busy'],
  ['refuse', 'release.refused'],
] as const) {
  test(`ten thousand keys for one host: an event is raised once, and with "${on_excess}" it gets ${outcome ?? 'them all'}`, async () => {
    const sent = { ...defaultLimits, keys_at_once: 1_000_000, different_keys: 150, slow_keys_per_second: 1, on_excess };
    limits = sent;
    const of = service();
    const made = async () =>
      (await release('generate-key', Array(100).fill({ prv: demo.id }), {}, of)).map(({ ct }) => ct);
    const keys = [await made(), await made(), await made()].map((some) => some.map((ct) => ({ prv: demo.id, ct })));
    const outcomes: (string | undefined)[] = [];
    for (const some of [...keys, ...keys]) {
      const told = await release('decrypt', some, {}, of).then(
        (items) => items[99]?.problem,
        (error: Problem) => error.kind,
      );
      outcomes.push(told);
    }
    assert.equal(outcomes[0], undefined, 'an honest number');
    assert.deepEqual([outcomes[3], outcomes[4], outcomes[5]], [outcome, outcome, outcome]);
    const raised = part.records.filter(({ action }) => action === 'key.anomaly');
    assert.deepEqual([raised.length, raised[0]?.actor.id, Number(raised[0]?.detail.different) > 150], [1, sub, true]);
    now += sent.window;
    assert.equal((await release('decrypt', keys[0] ?? [], {}, of))[0]?.problem, undefined, 'the window is over');
  });
}

test('hosts see the providers by name', async () => {
  assert.deepEqual(await listed(), [{ prv: demo.id, name: 'demo', uses: demo.uses }]);
});

/** The providers that a host is told of. */
async function listed(token?: string) {
  const of = service();
  const request = await requestFor(of, {}, { op: 'list-providers', ...(token === undefined ? {} : { token }) });
  const aud = sampleClaims(ours.group, session).sub;
  const expected = { op: 'list-providers', aud, req: proofHash(request.proof ?? '') };
  return (await verifyAnswer(await of.listProviders(request), ours.group, readProvidersAnswer, expected, now))
    .providers;
}
