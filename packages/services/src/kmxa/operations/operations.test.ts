import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { jwkOf, newPair, thumbprint } from '@vouchsafe/domain/keys/jwk';
import type { KeyProvider } from '@vouchsafe/domain/keys/provider';
import { Problem } from '@vouchsafe/domain/problem';
import { testGroup } from '@vouchsafe/domain/testing/group';
import type { HttpClient } from '../../http/client.ts';
import { type Operation, routesOf } from '../../management/operation.ts';
import { assertCovered, type Call, play } from '../../management/testing/calls.ts';
import { type TestPart, testPart } from '../../management/testing/part.ts';
import { AgentConfiguration } from '../configuration.ts';
import { LibvirtLink } from '../libvirt-link.ts';
import { pushTpm } from '../push-tpm.ts';
import { TrustSession } from '../trust-session.ts';
import type { KmxaContext } from './context.ts';
import { kmxaOperations } from './table.ts';

const ours = await testGroup();
const rogue = await testGroup();
/** A host without TPM, logs and libvirt. */
const nowhere = join(tmpdir(), 'vouchsafe-nowhere');
const agent = {
  tpm: `unix:${nowhere}`,
  ek: 'auto' as const,
  event_log: nowhere,
  ima_log: nowhere,
  command_line: nowhere,
  libvirt: nowhere,
  qemu_state: nowhere,
};

const pair = newPair();
const jwk = jwkOf(pair.publicKey);
const identity = { id: thumbprint(jwk), jwk, privateKey: pair.privateKey };

let part: TestPart;
let client: HttpClient;
let operations: Operation[];

beforeEach(async () => {
  part = testPart();
  const { store, audit } = part;
  const configuration = new AgentConfiguration(store, ours.group.id);
  const input = { agent, group: ours.group.id, version: 'test' };
  const trust = new TrustSession(configuration, input, () => 1000);
  const libvirt = new LibvirtLink(nowhere);
  const named = (name: string): Promise<KeyProvider> => Promise.reject(new Problem('provider.unknown', name));
  const providers = { list: () => Promise.resolve([]), named, uncached: named };
  const tpm = pushTpm(agent);
  const context = { agent, configuration, trust, libvirt, providers, identity, pushTpm: tpm, store, audit };
  operations = kmxaOperations({ ...context, encryption: {} } as unknown as KmxaContext);
  client = await part.serve(routesOf(operations));
});
afterEach(() => part.close());

const service = { address: 'https://ta:7443', trusted_CA: ours.authority.certificatePem, group: ours.group.id };
const theirs = { address: 'https://rogue:7443', trusted_CA: rogue.authority.certificatePem, group: rogue.group.id };
const path = (kind: string) => `/trusted-infrastructure/${kind}/services`;
const settings = '/trusted-infrastructure/settings';
const raw = '/trusted-infrastructure/raw-config';
const rawOf = (collection: string, name: string, body: unknown, generation = 50) => ({
  generation,
  documents: [{ collection, name, body }],
});

const calls: Call[] = [
  ...['attestation', 'kms'].flatMap((kind): Call[] => [
    { call: ['GET', path(kind)], gives: [] },
    { call: ['POST', path(kind), { id: 'ta', ...service }], gives: 'ta' },
    { call: ['POST', path(kind), { id: 'ta', ...service }], fails: 'object.exists' },
    { call: ['POST', path(kind), { id: 'x', ...theirs }], fails: 'service.untrusted', naming: /pinned/ },
    { call: ['POST', path(kind), { id: 'x', ...theirs, group: ours.group.id }], fails: 'service.untrusted' },
    { call: ['POST', path(kind), { id: 'x', ...service, trusted_CA: 'x' }], fails: 'input.malformed' },
    {
      call: ['POST', path(kind), { id: 'x', ...service, address: 'http://ta' }],
      fails: 'input.invalid',
      naming: /address/,
    },
    { call: ['POST', path(kind), { id: 'x', ...service, address: 'https://ta/' }], fails: 'input.invalid' },
    { call: ['POST', path(kind), { id: '../x', ...service }], fails: 'input.invalid', naming: /id/ },
    { call: ['GET', path(kind)], gives: [{ id: 'ta', address: service.address, group: service.group }] },
    { call: ['DELETE', `${path(kind)}/none`], fails: 'object.unknown' },
    { call: ['DELETE', `${path(kind)}/ta`] },
  ]),
  { call: ['GET', settings], gives: { offline_grace: 28800 } },
  { call: ['PATCH', settings, { offline_grace: 0 }], gives: { offline_grace: 0 } },
  { call: ['PATCH', settings, { offline_grace: -1 }], fails: 'input.invalid', naming: /offline_grace/ },
  { call: ['PATCH', settings, { bogus: 1 }], fails: 'input.invalid', naming: /bogus/ },
  { call: ['GET', settings], gives: { offline_grace: 0 } },

  {
    call: ['GET', '/trusted-infrastructure/attestation'],
    gives: { attestation_status: 'unknown', findings: [] },
  },
  { call: ['POST', '/trusted-infrastructure/attestation'], fails: 'service.unreachable', naming: /registered/ },
  { call: ['POST', '/trusted-infrastructure/attestation/assertion'], fails: 'service.unreachable' },
  {
    call: ['POST', '/trusted-infrastructure/attestation/endorsement-key', { ek: 'rsa-2048' }],
    fails: 'service.unreachable',
  },
  {
    call: ['POST', '/trusted-infrastructure/attestation/endorsement-key', { ek: 'rsa-512' }],
    fails: 'input.invalid',
    naming: /ek/,
  },
  { call: ['GET', '/trusted-infrastructure/identity'], gives: { id: identity.id, enc: jwk } },
  { call: ['GET', '/trusted-infrastructure/tpm'], fails: 'tpm.unavailable' },
  { call: ['POST', '/trusted-infrastructure/image', { name: 'golden', version: '1' }], fails: 'tpm.unavailable' },
  {
    call: ['POST', '/trusted-infrastructure/image', { name: '../x', version: '1' }],
    fails: 'input.invalid',
    naming: /name/,
  },
  { call: ['GET', '/trusted-infrastructure/vms/vm1'], fails: 'libvirt.unavailable' },
  { call: ['POST', '/trusted-infrastructure/vms/vm1/encrypt', { provider: 'demo' }], fails: 'provider.unknown' },
  { call: ['POST', '/trusted-infrastructure/vms/vm1/encrypt', {}], fails: 'input.invalid', naming: /provider/ },

  { call: ['PUT', raw, rawOf('kms/services', 'ta', service)] },
  { call: ['GET', path('kms')], gives: [{ id: 'ta', address: service.address, group: service.group }] },
  { call: ['PUT', raw, rawOf('kms/services', 'ta', theirs, 51)], fails: 'service.untrusted', naming: /pinned/ },
  { call: ['PUT', raw, rawOf('settings', 'agent', { offline_grace: 'x' }, 51)], fails: 'input.invalid' },
  { call: ['PUT', raw, rawOf('settings', 'other', { offline_grace: 1 }, 51)], fails: 'input.invalid' },
  { call: ['PUT', raw, rawOf('group', 'pin', rogue.group.id, 51)], fails: 'input.invalid', naming: /collection/ },
];

test('every operation does what it says, and names what is wrong', async () => {
  await play(client, calls);
  // What needs a TPM, libvirt or a service is called on whole hosts.
  const onHosts =
    /attestation\.(?:attest|assertion|introduce)|tpm\.|image\.capture|migration-certificate|\.vms\.|providers/;
  assertCovered(
    operations.filter(({ name }) => !onHosts.test(name)),
    [...calls, { call: ['GET', raw] }],
  );
});

test('a service of another group is refused by every way in, so nobody brings in a Trust Authority of their own', async () => {
  await play(client, calls);
  const { body } = await client.call('GET', raw);
  assert.doesNotMatch(JSON.stringify([body, part.records]), /rogue/);
});
