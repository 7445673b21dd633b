import { KmipError } from '../../error.ts';
import { createKeyPair as operation } from '../../operations/create-key-pair.ts';
import type { Cluster } from '../cluster.ts';
import { newTrail } from '../endpoint.ts';
import type { CallOptions } from '../options.ts';
import { expectNew } from './expect.ts';
import { type KeyUsage, type NewKey, type NewObject, objectAttributes, usageMask } from './new-key.ts';

/** A private and a public key to be made. */
export interface NewKeyPair extends Pick<NewKey, 'algorithm' | 'length' | 'attributes'> {
  readonly privateKey: NewObject & { readonly usage: readonly KeyUsage[] };
  readonly publicKey: NewObject & { readonly usage: readonly KeyUsage[] };
}

/**
 * Makes a key pair and returns the ids of both keys. It is sent once: no marker finds both keys of a lost answer.
 * @throws {KmipError} `outcome.unknown` when the answer was lost
 */
export const createKeyPair =
  (cluster: Cluster) =>
  async (pair: NewKeyPair, options: CallOptions = {}): Promise<{ privateKey: string; publicKey: string }> => {
    const template = (attributes: ReturnType<typeof objectAttributes>) => ({ names: [], attributes });
    const of = (key: NewKeyPair['privateKey']) => template([usageMask(key.usage), ...objectAttributes(key)]);
    const trail = newTrail();
    const answer = await cluster.send(
      operation,
      {
        common: template([
          { name: 'Cryptographic Algorithm', value: pair.algorithm },
          { name: 'Cryptographic Length', value: pair.length },
          ...(pair.attributes ?? []),
        ]),
        privateKey: of(pair.privateKey),
        publicKey: of(pair.publicKey),
      },
      { deadline: cluster.deadline(options), trail },
    );
    expectNew(operation.name, answer.privateKeyId);
    expectNew(operation.name, answer.publicKeyId);
    if (answer.privateKeyId === answer.publicKeyId)
      throw new KmipError('answer.invalid', `${operation.name}: both keys have the same id`);
    cluster.made(answer.privateKeyId, trail.answeredBy);
    cluster.made(answer.publicKeyId, trail.answeredBy);
    return { privateKey: answer.privateKeyId, publicKey: answer.publicKeyId };
  };
