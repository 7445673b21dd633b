import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Problem } from '@vouchsafe/domain/problem';
import { testTime } from '@vouchsafe/domain/testing/group';
import { problem } from '@vouchsafe/domain/testing/problem';
import type { HttpClient } from '../http/client.ts';
import { type TestPart, testPart } from '../management/testing/part.ts';
import type { Seal } from '../seal/part-key.ts';
import { type AgentIdentity, agentIdentity } from './agent-identity.ts';
import { AgentConfiguration } from './configuration.ts';
import { KekCache } from './kek-cache.ts';
import type { KeyReleaseClient } from './key-release-client.ts';
import { HostProviders } from './providers.ts';
import { pushRoute } from './push-route.ts';
import { pushTpm } from './push-tpm.ts';
import { PushedKeys } from './pushed-keys.ts';
import { nativePrv, standardPrv, type TestCenter, testCenter } from './testing/center.ts';

const kdk = 'aaaaaaaa-2222-4333-8444-555555555555';
const trustedPrv = '33333333-2222-4333-8444-555555555555';
const key = Buffer.alloc(32, 4);
const now = () => testTime;

let part: TestPart;
let center: TestCenter;
let identity: AgentIdentity;
let pushed: PushedKeys;
let client: HttpClient;
/** What the Trust Authority of this host says; undefined when it does not answer. */
let trusted: { prv: string; name: string; uses: 'run'[] }[] | undefined;

beforeEach(async () => {
  part = testPart();
  center = await testCenter();
  const { store, audit } = part;
  identity = agentIdentity(store);
  const tpm = pushTpm({ tpm: 'unix:/nowhere/tpm.sock', ek: 'auto' });
  pushed = new PushedKeys({ store, audit, identity, tpm, center: center.id, now });
  client = await part.serve([pushRoute(pushed)]);
  trusted = [{ prv: trustedPrv, name: 'ta', uses: ['run'] }];
});
afterEach(() => part.close());

function providers(seal: Seal = 'file', services = 1): HostProviders {
  const configuration = new AgentConfiguration(part.store, 'g');
  configuration.services = () => Array(services).fill({});
  const release = {
    providers: async () => {
      if (trusted === undefined || services === 0) throw new Problem('service.unreachable', 'nobody answers');
      return trusted;
    },
  } as unknown as KeyReleaseClient;
  const cache = new KekCache(
    now,
    () => undefined,
    () => 0,
  );
  return new HostProviders({ configuration, release, cache, pushed, seal, now });
}
const push = async (sealed: string) =>
  (await client.call('POST', '/trusted-infrastructure/kms/pushes', { push: sealed })).body;

test('a push comes in from outside, and what is none is named', async () => {
  const sealed = await center.native(identity.jwk, { [kdk]: key });
  assert.deepEqual(await push(sealed), { prv: nativePrv, gen: 1 });
  await assert.rejects(push('x'), problem('push.refused'));
  await assert.rejects(push('x'.repeat(65 * 1024)), problem('input.invalid', /push/));
  await assert.rejects(
    client.call('POST', '/trusted-infrastructure/kms/pushes', { push: 1 }),
    problem('input.invalid'),
  );
});

test('providers of all kinds are listed with their health, and found by name or id', async () => {
  await push(await center.native(identity.jwk, { [kdk]: key }));
  await push(await center.standard(identity.jwk, '17', key, { uses: ['recrypt'] } as object));
  assert.deepEqual(
    (await providers().list()).map(({ name, kind, available, health }) => [name, kind, available, health]),
    [
      ['ta', 'trusted', true, 'OK'],
      ['vault', 'native', true, 'WARNING'],
      ['hsm', 'standard', false, 'ERROR'],
    ],
  );
  const [, native] = await providers().list();
  assert.match(native?.details.join() ?? '', /readable from this host's disk/);
  assert.equal((await providers('tpm').list())[1]?.health, 'OK');
  for (const name of ['vault', nativePrv]) assert.equal((await providers().named(name)).id, nativePrv);
  assert.equal((await providers().named('hsm', '17')).kind, 'standard');
  assert.equal((await providers().named('ta')).kind, 'trusted');
  await assert.rejects(providers().named('none'), problem('provider.unknown', /there are ta, vault, hsm/));
  await assert.rejects(providers().named('vault', '17'), problem('input.invalid', /leave it out/));
  assert.equal(providers().of({ kind: 'standard', prv: standardPrv, id: '17' }).kind, 'standard');
});

test('a center that names its provider as one of the Trust Authority does not get its VMs', async () => {
  await push(await center.native(identity.jwk, { [kdk]: key }, { name: 'ta' } as object));
  await assert.rejects(providers().named('ta'), problem('input.invalid', new RegExp(`${trustedPrv} \\(trusted\\)`)));
  trusted = undefined;
  await assert.rejects(providers().named('ta'), problem('service.unreachable'));
  assert.equal((await providers().named(nativePrv)).kind, 'native', 'by its id it is meant');
  assert.equal((await providers('file', 0).named('ta')).kind, 'native', 'where no Trust Authority is registered');
});

test('a center that gives its provider the id of one of the Trust Authority does not get its VMs either', async () => {
  await push(await center.native(identity.jwk, { [kdk]: key }, { prv: trustedPrv } as object));
  const taken = problem('input.invalid', /one of the Trust Authority/);
  trusted = undefined;
  await assert.rejects(providers().named(trustedPrv), problem('service.unreachable'), 'nobody knows its ids yet');
  trusted = [{ prv: trustedPrv, name: 'ta', uses: ['run'] }];
  await assert.rejects(providers().named(trustedPrv), taken);
  assert.equal((await providers().named('ta')).kind, 'trusted');
  trusted = undefined;
  await assert.rejects(providers().named(trustedPrv), taken, 'and it is remembered');
});

test('a host without Trust Authority and without pushed providers says why it has none', async () => {
  await assert.rejects(providers('file', 0).list(), problem('service.unreachable'));
});
