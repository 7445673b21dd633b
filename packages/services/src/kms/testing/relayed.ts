import type { TestContext } from 'node:test';
import { type KeyServer, kmipClient } from '@vouchsafe/kmip/client/client';
import type { ClientEvent } from '@vouchsafe/kmip/client/events';
import type { KmipClientOptions, KmipServer } from '@vouchsafe/kmip/client/options';
import { addKmsClientByCertificate } from '../clients.ts';
import { own } from './fake-peer.ts';
import { type FaultyRelay, faultyRelay } from './faulty-relay.ts';
import { kmsFixture } from './fixture.ts';

/** A client whose way to real key servers has faults, and one whose way has none. */
export interface Relayed {
  readonly relays: readonly FaultyRelay[];
  readonly client: KeyServer;
  readonly events: ClientEvent[];
  /** A client of each server itself. */
  readonly direct: readonly KeyServer[];
}

/**
 * Starts key servers and relays in front of them, in order of preference, and connects the client to each.
 * @param stores how many servers there are; more relays than servers lead to the last one, which then is a replica
 */
export async function relayed(
  t: TestContext,
  shape: { readonly stores: number; readonly relays: number },
  options: Partial<KmipClientOptions> = {},
): Promise<Relayed> {
  const kms = await Promise.all(Array.from({ length: shape.stores }, () => kmsFixture()));
  for (const each of kms) {
    t.after(each.close);
    await addKmsClientByCertificate({ dataDir: each.dataDir, name: 'one', certificate: own.certificate });
  }
  const way = (i: number) => kms[Math.min(i, kms.length - 1)]!.kms;
  const servers: KmipServer[] = [];
  const relays: FaultyRelay[] = [];
  for (let i = 0; i < shape.relays; i++) {
    const relay = await faultyRelay(way(i).address.port);
    t.after(relay.close);
    relays.push(relay);
    servers.push({ host: '127.0.0.1', port: relay.port, trust: { ca: way(i).authorityPem } });
  }
  const events: ClientEvent[] = [];
  const connect = (list: KmipServer[], more: Partial<KmipClientOptions>) => {
    const client = kmipClient({ servers: list as [KmipServer, ...KmipServer[]], ...own, ...more });
    t.after(() => client.close());
    return client;
  };
  const times = { tryTimeout: 1500, timeout: 10_000, connections: 1 };
  const client = connect(servers, { ...times, onEvent: (event) => void events.push(event), ...options });
  const direct = kms.map(({ kms: { address, authorityPem } }) =>
    connect([{ host: '127.0.0.1', port: address.port, trust: { ca: authorityPem } }], {}),
  );
  // A connection to each server, so that the next octets on it are the next request.
  await client.health();
  return { relays, client, events, direct };
}
