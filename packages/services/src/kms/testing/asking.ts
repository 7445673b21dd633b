import type { Attribute } from '@vouchsafe/kmip/attribute';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { operations } from '@vouchsafe/kmip/operations/operations';
import { asking, requestMessage } from '@vouchsafe/kmip/testing/samples';
import type { ClientFiles } from '../clients.ts';
import type { KmsFixture } from './fixture.ts';
import { rawClient } from './raw-client.ts';

type Operations = typeof operations;

/** A client that asks for any operation, one in a message. */
export interface Asker extends Disposable {
  /** The answer. @throws {Refused} when the operation failed */
  ask<N extends keyof Operations>(name: N, request: RequestOf<Operations[N]>): Promise<ResponseOf<Operations[N]>>;
  /** The result reason of an operation that must fail. */
  refused<N extends keyof Operations>(name: N, request: RequestOf<Operations[N]>): Promise<string | undefined>;
  /** Makes an AES key with these attributes besides those that every key needs. */
  aes(attributes?: readonly Attribute[], usage?: number): Promise<string>;
  /** The first value of an attribute. */
  value(id: string, name: Attribute['name']): Promise<unknown>;
}

/** An operation that the server refused. */
export class Refused extends Error {
  readonly reason: string | undefined;

  constructor(reason: string | undefined, message: string | undefined) {
    super(`${reason}: ${message}`);
    this.reason = reason;
  }
}

/** Connects a client. */
export async function asker(fixture: KmsFixture, files: ClientFiles): Promise<Asker> {
  const client = await rawClient(fixture.kms.address.port, files);
  const ask = async <N extends keyof Operations>(name: N, request: RequestOf<Operations[N]>) => {
    const declared = operations[name];
    const answer = await client.ask(
      requestMessage([asking(declared as never, request as never)], {}, { major: 1, minor: 4 }),
    );
    const [item] = answer.items;
    if (item?.status !== 'Success') throw new Refused(item?.reason, item?.message);
    return item.payload!.as(declared.response as never) as ResponseOf<Operations[N]>;
  };
  return {
    ask,
    async refused(name, request) {
      try {
        await ask(name, request);
      } catch (error) {
        if (error instanceof Refused) return error.reason;
        throw error;
      }
      return undefined;
    },
    async aes(attributes = [], usage = 0x3c) {
      const basic: Attribute[] = [
        { name: 'Cryptographic Algorithm', value: 'AES' },
        { name: 'Cryptographic Length', value: 256 },
        { name: 'Cryptographic Usage Mask', value: usage },
      ];
      const template = { names: [], attributes: [...basic, ...attributes] };
      return (await ask('Create', { objectType: 'Symmetric Key', template })).id;
    },
    async value(id, name) {
      const { attributes } = await ask('Get Attributes', { id, names: [name] });
      return attributes?.[0]?.value;
    },
    [Symbol.dispose]: () => client.close(),
  };
}
