import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { createAuthority, issue, newKeyPair } from '@vouchsafe/domain/x509/authority';
import { privateKeyPem } from '@vouchsafe/domain/x509/pem';
import { type KeyServer, kmipClient } from '@vouchsafe/kmip/client/client';
import type { KmipClientOptions, KmipServer } from '@vouchsafe/kmip/client/options';
import { KmipError, type KmipErrorCode } from '@vouchsafe/kmip/error';
import { get } from '@vouchsafe/kmip/operations/get';
import type { ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { type FakeServer, fakeKmipServer, respond, type Script } from '@vouchsafe/kmip/testing/fake-server';
import { bound } from '@vouchsafe/kmip/ttlv/lazy';

export const validity = { notBefore: new Date(Date.now() - 86_400_000), notAfter: new Date(Date.now() + 86_400_000) };
export const authority = await createAuthority({ name: 'test', ...validity });

/** A certificate and its key, for 127.0.0.1 unless it says otherwise. */
export const identity = async (
  usage: 'server' | 'client',
  sans: Parameters<typeof issue>[0]['sans'] = { ip: ['127.0.0.1'] },
) => {
  const { publicKey, privateKey } = newKeyPair();
  const certificate = await issue({ authority, publicKey, subject: usage, sans, usages: [usage], ...validity });
  return { certificate, key: privateKey };
};
export const server = await identity('server');
/** The client's. */
export const own = await identity('client');
export const trusted: KmipServer['trust'] = { ca: authority.certificatePem };

/** Starts a fake server that ends with the test. */
export async function fake(
  t: TestContext,
  script: Script,
  options: Partial<Parameters<typeof fakeKmipServer>[0]> = {},
): Promise<FakeServer> {
  const key = privateKeyPem(server.key);
  const started = await fakeKmipServer({ certificate: server.certificate, key, script, ...options });
  t.after(started.close);
  return started;
}

/** A client of servers on 127.0.0.1 that ends with the test. */
export function clientOf(
  t: TestContext,
  servers: readonly Pick<FakeServer, 'port'>[],
  trust = trusted,
  options: Partial<KmipClientOptions> = {},
): KeyServer {
  const [first, ...more] = servers.map(({ port }): KmipServer => ({ host: '127.0.0.1', port, trust }));
  const client = kmipClient({ servers: [first!, ...more], ...own, tryTimeout: 2000, timeout: 4000, ...options });
  t.after(() => client.close());
  return client;
}

export const failsWith =
  (code: KmipErrorCode, words = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof KmipError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    return true;
  };

interface KeyFacts {
  id?: string;
  algorithm?: 'AES' | 'DES';
  length?: number;
  octets?: number;
}

/** The payload of a Get. */
export const keyPayload = ({ id = 'a', algorithm = 'AES', length = 256, octets = 32 }: KeyFacts = {}) => {
  const material = Secret.take(new Uint8Array(octets).fill(7));
  const answer: ResponseOf<typeof get> = {
    objectType: 'Symmetric Key',
    id,
    object: { type: 'Symmetric Key', block: { format: 'Raw', value: { material, attributes: [] }, algorithm, length } },
  };
  return { payload: bound(get.response, answer) };
};

/** Answers every request as an honest Get of object `a`. */
export const honest: Script = (request) => respond(request, keyPayload());
