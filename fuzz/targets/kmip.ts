import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copy } from '@vouchsafe/bytes/hex';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { Secret } from '@vouchsafe/bytes/secret';
import { EncodeError } from '@vouchsafe/bytes/writer';
import type { Attribute } from '@vouchsafe/kmip/attribute';
import type { Connection } from '@vouchsafe/kmip/client/connection';
import { exchange } from '@vouchsafe/kmip/client/exchange';
import { KmipError } from '@vouchsafe/kmip/error';
import { inspectMessage } from '@vouchsafe/kmip/inspect';
import { ResponseMessage } from '@vouchsafe/kmip/message';
import { activate } from '@vouchsafe/kmip/operations/activate';
import { addAttribute } from '@vouchsafe/kmip/operations/add-attribute';
import { create } from '@vouchsafe/kmip/operations/create';
import { destroy } from '@vouchsafe/kmip/operations/destroy';
import { discoverVersions } from '@vouchsafe/kmip/operations/discover-versions';
import { get } from '@vouchsafe/kmip/operations/get';
import { getAttributes } from '@vouchsafe/kmip/operations/get-attributes';
import { locate } from '@vouchsafe/kmip/operations/locate';
import { query } from '@vouchsafe/kmip/operations/query';
import { revoke } from '@vouchsafe/kmip/operations/revoke';
import { answer } from '@vouchsafe/kmip/server/engine';
import { kmipSamples } from '@vouchsafe/kmip/testing/all-samples';
import { remake } from '@vouchsafe/kmip/testing/remake';
import { asking, getAnswer, requestMessage } from '@vouchsafe/kmip/testing/samples';
import { describe, describeText } from '@vouchsafe/kmip/ttlv/describe';
import { Framer } from '@vouchsafe/kmip/ttlv/framer';
import { decodeItem } from '@vouchsafe/kmip/ttlv/item';
import { printElement } from '@vouchsafe/kmip/xml/element';
import { toXml } from '@vouchsafe/kmip/xml/encode';
import { KmsAudit } from '@vouchsafe/services/kms/audit';
import type { KmsClient } from '@vouchsafe/services/kms/client';
import { kmsEngine } from '@vouchsafe/services/kms/engine';
import { kmsLayout, makeKmsFolders } from '@vouchsafe/services/kms/layout';
import { openSqliteStore } from '@vouchsafe/services/kms/sqlite-open';
import { sealerOf } from '@vouchsafe/store/seal';
import { now } from '../site.ts';
import { type MakeTargets, oneOfClasses, type Target, wordsOf } from '../target.ts';

const aes: Attribute[] = [
  { name: 'Cryptographic Algorithm', value: 'AES' },
  { name: 'Cryptographic Length', value: 256 },
  { name: 'Cryptographic Usage Mask', value: 12 },
  { name: 'Name', value: { value: 'primary', type: 'Uninterpreted Text String' } },
];
const template = { names: [], attributes: aes };
const creating = asking(create, { objectType: 'Symmetric Key', template }, Uint8Array.of(1));
const listOf = [asking(discoverVersions, { versions: [] }), asking(query, { functions: ['Query Operations'] })];
const requests = [
  creating,
  ...listOf,
  asking(get, { id: 'one' }),
  asking(getAttributes, { id: 'one', names: ['State'] } as never),
  asking(locate, { attributes: aes.slice(0, 1) } as never),
  asking(addAttribute, { id: 'one', attribute: { name: 'x-purpose', value: { type: 'Text String', value: 'a' } } }),
  asking(activate, { id: 'one' }),
  asking(revoke, { id: 'one', reason: { code: 'Unspecified' } } as never),
  asking(destroy, { id: 'one' }),
].map((item) => requestMessage([item]));
const batch = requestMessage([creating, asking(activate, {}, Uint8Array.of(2)), asking(get, {}, Uint8Array.of(3))], {
  onError: 'Continue',
});
const answers = [getAnswer()];
const everySample = kmipSamples().filter(({ version }) => version === '1.4' || version === '2.1');
const everyRequest = everySample.filter(({ side }) => side === 'request').map(({ octets }) => octets);
const words = wordsOf('\x42\0\x78\x01', '\x42\0\x0f\x01', '\x42\0\x08\x01', 'x-purpose', 'Cryptographic Usage Mask');

/** The server: nothing that a client sends may raise an error, and the server's own log stays empty. */
async function server(): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'vouchsafe-fuzz-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const layout = kmsLayout(folder);
  makeKmsFolders(layout);
  const store = openSqliteStore(layout, sealerOf(Secret.take(new Uint8Array(32))));
  const client: KmsClient = { name: 'fuzz', scope: 'fuzz', roles: ['user'], users: [], added: new Date(now * 1000) };
  await store.transaction((tx) => tx.addClient(client));
  const report = (error: unknown): never => {
    throw new Error('the server reports a failure of its own', { cause: error });
  };
  const engine = kmsEngine(store, new KmsAudit({ commit: async () => undefined }, false), {
    now: () => new Date(now * 1000),
    report,
  });
  return {
    name: 'kmip-request',
    samples: [...requests, batch, ...everyRequest],
    words,
    run: async (bytes) => decodeItem(ResponseMessage, (await answer(engine, client, copy(bytes))).message),
    refuses: () => false,
  };
}

/** The client before a server that lies: the id of the answer is made the one that was asked with. */
const response: Target = {
  name: 'kmip-response',
  samples: answers,
  words,
  run(bytes) {
    const connection = {
      exchange(request: Uint8Array) {
        const octets = Buffer.from(bytes);
        const [asked, held] = [Buffer.from(request), Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)];
        const at = octets.indexOf(held);
        const idTag = Uint8Array.of(0x42, 0x00, 0x93, 0x08, 0, 0, 0, 8);
        if (at >= 0) asked.copy(octets, at, asked.indexOf(idTag) + 8, asked.indexOf(idTag) + 16);
        return Promise.resolve(octets);
      },
    } as unknown as Connection;
    return exchange(connection, { version: { major: 1, minor: 1 } }, get, { id: 'one' }, 0);
  },
  refuses: oneOfClasses(KmipError),
};

const ttlv: Target = {
  name: 'ttlv',
  samples: [...requests, batch, ...answers],
  words,
  run(bytes) {
    const framer = new Framer(bytes[2] === 0x78 ? 'Request Message' : 'Response Message', 64 * 1024);
    framer.push(copy(bytes));
    while (framer.next() !== undefined);
    describeText(describe(bytes));
  },
  refuses: oneOfClasses(DecodeError),
};

/** Messages of every operation, read to their last field and written anew. */
const message: Target = {
  name: 'kmip-message',
  samples: everySample.map(({ octets }) => octets),
  words,
  run: (bytes) => remake(bytes),
  refuses: oneOfClasses(DecodeError, EncodeError),
};

const xml: Target = {
  name: 'kmip-xml',
  samples: everyRequest.map((octets) => Buffer.from(printElement(toXml(octets, { secrets: 'shown' })))),
  words: wordsOf('<!DOCTYPE a [<!ENTITY b "c">]>', '&#x', '<![CDATA[', 'type="', '0x', '</', '<!--'),
  run: (bytes) => inspectMessage(bytes),
  refuses: oneOfClasses(DecodeError),
};

/** KMIP on both sides. */
export const make: MakeTargets = async () => [await server(), response, ttlv, message, xml];
