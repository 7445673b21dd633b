import { createSecretKey } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import { type OpenKek, openPart, readKeySafe, verifyKeySafe, writeKeySafe } from '@vouchsafe/domain/keys/key-safe';
import { problemsOf } from '../problems.ts';
import { bytesOf, jsonWords, type MakeTargets, text } from '../target.ts';

const uuid = '00000000-0000-4000-8000-000000000001';

/** Key safes of VMs, their MAC left out of it, so that what stands behind it is read as well. */
export const make: MakeTargets = async () => {
  const reference = { kind: 'trusted', prv: uuid, ct: 'ciphertext' } as const;
  const kek: OpenKek = { n: 0, reference, key: createSecretKey(Buffer.alloc(32, 7)) };
  const part = (id: string) =>
    ({ id, kind: 'disk', luks: uuid, kek: 0, dek: Secret.take(new Uint8Array(64)) }) as const;
  const bound = { v: 1, h: 'A'.repeat(43) } as const;
  const safe = await writeKeySafe({ vm: uuid, gen: 1, bound, keks: [kek], parts: [part('vda'), part('vdb')] });
  return [
    {
      name: 'key-safe',
      samples: [bytesOf(safe)],
      words: jsonWords,
      async run(bytes) {
        const read = readKeySafe(text(bytes));
        for (const each of read.parts) (await openPart(read, each, kek))[Symbol.dispose]();
        verifyKeySafe(text(bytes), read, kek);
      },
      refuses: problemsOf('keysafe.invalid'),
    },
  ];
};
