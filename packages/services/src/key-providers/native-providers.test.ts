import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';
import { inspect } from 'node:util';
import { base64url } from '@vouchsafe/bytes/base64url';
import { Secret } from '@vouchsafe/bytes/secret';
import { ekHash } from '@vouchsafe/domain/attestation/ek';
import { eventText, type ProviderEvent } from '@vouchsafe/domain/keys/provider-events';
import { Problem } from '@vouchsafe/domain/problem';
import { testTime } from '@vouchsafe/domain/testing/group';
import { problem } from '@vouchsafe/domain/testing/problem';
import { Swtpm, withoutSwtpm } from '@vouchsafe/tpm2/testing/swtpm';
import { agentIdentity } from '../kmxa/agent-identity.ts';
import { NativeProvider } from '../kmxa/native-provider.ts';
import { pushTpm } from '../kmxa/push-tpm.ts';
import { PushedKeys } from '../kmxa/pushed-keys.ts';
import { type TestCenter, testCenter } from '../kmxa/testing/center.ts';
import { type TestPart, testPart } from '../management/testing/part.ts';
import { deliver, type PushHost } from './deliver.ts';
import { NativeProviders } from './native-providers.ts';

const now = () => testTime;
const password = () => Secret.take(Uint8Array.from(Buffer.from('correct horse')));
const none = () => Secret.take(new Uint8Array());

let part: TestPart;
let hostPart: TestPart;
let center: TestCenter;
let events: ProviderEvent[];
let providers: NativeProviders;
beforeEach(async () => {
  [part, hostPart, center, events] = [testPart(), testPart(), await testCenter(), []];
  providers = open();
});
afterEach(async () => {
  await part.close();
  await hostPart.close();
});

function open(): NativeProviders {
  const { store, audit } = part;
  return new NativeProviders({ store, audit, tell: (event) => events.push(event), now, rounds: 1000 });
}
const told = () => events.splice(0).map(({ id }) => id);

/** A host with an agent of its own, and how the center sees it. */
function host(
  tpm = pushTpm({ tpm: 'unix:/nowhere', ek: 'auto' }),
  listed: Pick<PushHost, 'tpm' | 'ek'> = { tpm: undefined, ek: undefined },
) {
  const { store, audit } = hostPart;
  const identity = agentIdentity(store);
  const keys = new PushedKeys({ store, audit, identity, tpm, center: center.id, now });
  const known: PushHost = {
    name: 'kvm1',
    enc: identity.jwk,
    ...listed,
    send: async (push) => void (await keys.accept(push)),
  };
  return { keys, known, provider: (prv: string) => new NativeProvider(prv, keys, now) };
}

async function give(prv: string, to: PushHost[], name = 'vault') {
  const { content, secret } = providers.push(prv);
  using _secret = secret;
  const tell = (event: ProviderEvent) => events.push(event);
  return await deliver({ signer: center.signer, content, secret, provider: name, now, tell }, to);
}

async function backup(name = 'vault', secret = password()): Promise<Uint8Array> {
  const { file, arrived } = await providers.export(name, secret);
  arrived();
  return file;
}

test('made, refused, backed up, given to a host, rotated, removed, restored: VMs follow', async () => {
  const { prv } = providers.create('vault');
  assert.throws(() => providers.create('vault'), problem('object.exists'));
  assert.throws(() => providers.push(prv), problem('provider.not-backed-up'));
  const lost = await providers.export('vault', password());
  assert.throws(() => providers.push(prv), problem('provider.not-backed-up'), 'a file that did not arrive is none');
  lost.arrived();
  assert.deepEqual(told(), ['backup.missing', 'backup.done']);

  const kvm1 = host();
  assert.deepEqual(await give(prv, [kvm1.known]), [{ host: 'kvm1' }]);
  const vm = await kvm1.provider(prv).generate();
  providers.rotate('vault');
  assert.deepEqual(told(), ['backup.outdated']);
  const file = await backup();
  await give(prv, [kvm1.known]);
  const newer = await kvm1.provider(prv).generate();
  await kvm1.provider(prv).open(vm.reference);
  const { keys } = providers.get('vault');
  providers.trim('vault', new Set([keys[1]!.id]));
  await give(prv, [kvm1.known]);
  await kvm1.provider(prv).open(newer.reference);
  await assert.rejects(kvm1.provider(prv).open(vm.reference), problem('key.not-here'));

  assert.throws(() => providers.remove('vault', ['web1']), problem('object.in-use', /web1/));
  providers.remove('vault', ['web1'], true);
  await give(prv, [kvm1.known]);
  await assert.rejects(kvm1.provider(prv).open(newer.reference), problem('key.not-here', /was removed/));
  assert.equal(part.store.getSecret(`native/${prv}/${keys[0]!.id}`), undefined);
  assert.deepEqual(providers.list(), []);

  const plan = await providers.import(file, password(), { dryRun: true });
  assert.deepEqual([plan.replaces?.removed, plan.added.length, providers.list()], [true, 2, []]);
  await providers.import(file, password());
  await assert.rejects(providers.import(file, password()), problem('object.exists', /is here with generation/));
  assert.deepEqual(await give(prv, [kvm1.known]), [{ host: 'kvm1' }]);
  for (const kek of [vm, newer]) assert.ok((await kvm1.provider(prv).open(kek.reference)).key.equals(kek.key));
});

test('a center that was lost comes back with its backup, above what hosts were told', async () => {
  const { prv } = providers.create('vault');
  const file = await backup();
  const kvm1 = host();
  for (let i = 0; i < 3; i++) {
    providers.rotate('vault');
    await backup();
  }
  await give(prv, [kvm1.known]);
  await part.close();
  part = testPart();
  providers = open();
  await assert.rejects(
    providers.import(file, Secret.take(Uint8Array.from(Buffer.from('wrong')))),
    problem('input.invalid', /password/),
  );
  await providers.import(file, password());
  told();
  const [refusal] = await give(prv, [kvm1.known]);
  assert.equal(refusal?.problem, 'push.refused');
  assert.deepEqual(told(), ['key.not-added']);
  await providers.import(file, password(), { replace: true, above: refusal?.gen ?? 0 });
  assert.deepEqual(await give(prv, [kvm1.known]), [{ host: 'kvm1' }]);
});

test('a backup with another key under a known id is refused, and the one here stays', async () => {
  const { prv, keys } = providers.create('vault');
  const file = await backup();
  part.store.putSecret(`native/${prv}/${keys[0]!.id}`, Secret.take(new Uint8Array(32).fill(9)));
  await assert.rejects(providers.import(file, password(), { replace: true }), problem('input.invalid', /another one/));
});

test('without a password: told aloud, and refused where the provider asks for one', async () => {
  providers.create('vault');
  told();
  await backup('vault', none());
  assert.deepEqual(told(), ['backup.open', 'backup.done']);
  providers.create('strict', { require_export_password: true });
  await assert.rejects(providers.export('strict', none()), problem('input.invalid', /with a password only/));
  await backup('strict');
});

test('a change that cannot be recorded is none', () => {
  providers.create('vault');
  part.full = true;
  for (const change of [
    () => providers.rotate('vault'),
    () => providers.remove('vault', []),
    () => providers.create('other'),
  ])
    assert.throws(change, /no space/);
  part.full = false;
  assert.deepEqual(
    providers.list().map(({ name, keys }) => [name, keys.length]),
    [['vault', 1]],
  );
});

test('what is not backed up is told again with each reminder', () => {
  providers.create('vault');
  told();
  providers.remind();
  open().remind();
  assert.deepEqual(told(), ['backup.missing', 'backup.missing']);
});

test('a provider for TPMs reaches the host of the inventory alone', { skip: withoutSwtpm }, async () => {
  await using swtpm = await Swtpm.start();
  const tpm = pushTpm({ tpm: `unix:${(swtpm.address as { path: string }).path}`, ek: 'auto' });
  const described = await tpm.describe();
  const stated = { ek: base64url(described.ek), storage: base64url(described.storage) };
  const { prv } = providers.create('vault', { tpm_required: true });
  await backup();
  told();
  const good = host(tpm, { tpm: stated, ek: ekHash(described.ek) });
  const without = host(tpm).known;
  const swapped = host(tpm, { tpm: stated, ek: 'ab'.repeat(32) }).known;
  const outcomes = await give(prv, [good.known, without, swapped]);
  assert.deepEqual(
    outcomes.map(({ problem: kind }) => kind),
    [undefined, 'push.refused', 'push.refused'],
  );
  const texts = events.map(eventText);
  assert.match(texts[0] ?? '', /^keys of provider vault were not added to host kvm1: host kvm1 has no TPM/);
  assert.match(texts[1] ?? '', /the inventory has abab/);
  await good.provider(prv).generate();
});

test('no key is in a store, a record, an event or an error', async () => {
  const { prv } = providers.create('vault');
  await backup();
  const kvm1 = host();
  const unreachable: PushHost = {
    ...kvm1.known,
    send: () => Promise.reject(new Problem('service.unreachable', 'down')),
  };
  const outcomes = await give(prv, [kvm1.known, unreachable]);
  const { secret } = providers.push(prv);
  const files = [part, hostPart].flatMap(({ folder }) =>
    globSync('**/*', { cwd: folder }).map((name) => readFileSync(`${folder}/${name}`)),
  );
  const said = Buffer.from(inspect([events, outcomes, part.records, hostPart.records, secret], { depth: 9 }));
  const key = secret.use((bytes) => Buffer.from(bytes));
  for (const spelling of [key, ...(['hex', 'base64url'] as const).map((as) => Buffer.from(key.toString(as)))])
    for (const text of [...files, said]) assert.ok(!text.includes(spelling));
  assert.ok(files.length > 2);
});
