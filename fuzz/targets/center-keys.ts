import { X509Certificate } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import { roles } from '@vouchsafe/domain/group/role';
import { jwkOf } from '@vouchsafe/domain/keys/jwk';
import { readNativeBackup, writeNativeBackup } from '@vouchsafe/domain/keys/native-backup';
import { type CenterSigner, openPush, type PushContent, sealPush } from '@vouchsafe/domain/keys/push';
import { pushRules } from '@vouchsafe/domain/keys/push-rules';
import { parseJson } from '@vouchsafe/domain/parse';
import { firstRefusal } from '@vouchsafe/domain/rules';
import { backupAround, contentOfBackup } from '@vouchsafe/domain/testing/native-backup';
import { issue } from '@vouchsafe/domain/x509/authority';
import { problemsOf } from '../problems.ts';
import { fixedPair, now, site, validity } from '../site.ts';
import { bytesOf, json, jsonWords, type MakeTargets, text } from '../target.ts';

const prv = '00000000-0000-4000-8000-000000000001';
const about = { prv, name: 'vault', gen: 1, tpm_required: false, keys: [{ id: prv, made: now }] };
const given = { prv, name: 'vault', gen: 1, uses: ['run'] };
const contents: readonly unknown[] = [
  { ...given, kind: 'native', keys: [prv], current: prv, tpm_required: false },
  { ...given, kind: 'standard', key: '17', state: 'Active', restores: 1 },
  { prv, gen: 2, kind: 'standard', removed: true, key: '17' },
];

/** What a center sends to hosts, as it is on the wire and signed anew, and backups of native providers likewise. */
export const make: MakeTargets = async () => {
  const host = fixedPair(7);
  const { authority, group } = await site();
  const { publicKey, privateKey: key } = fixedPair(5);
  const order = { authority, publicKey, subject: 'center', usages: ['sign'] as const, serial: '04', ...validity };
  const certificate = new X509Certificate(await issue({ ...order, sans: { uri: [roles.center] } }));
  const signer: CenterSigner = { key, certificate, ca: group.ca };
  const seal = (content: unknown) =>
    sealPush(signer, jwkOf(host.publicKey), content as PushContent, Secret.take(new Uint8Array(32)), now);
  const judge = async (push: string) => {
    const { claims, signer: by, ca } = await openPush(host.privateKey, push);
    const known = { center: group.id, me: claims.aud, now, provider: undefined, key: undefined };
    await firstRefusal(pushRules, { claims, signer: by, ca, ...known });
  };
  const empty = () => Secret.take(new Uint8Array());
  const open = async (file: Uint8Array) => {
    const { keys } = await readNativeBackup(file, empty());
    for (const each of keys.values()) each[Symbol.dispose]();
  };
  const backup = await writeNativeBackup(about, new Map([[prv, Secret.take(new Uint8Array(32))]]), empty(), 1);
  return [
    {
      name: 'push',
      samples: [bytesOf(await seal(contents[0]))],
      words: jsonWords,
      run: (bytes) => judge(text(bytes)),
      refuses: problemsOf('push.refused'),
    },
    {
      name: 'push-content',
      samples: contents.map(json),
      words: jsonWords,
      run: async (bytes) => judge(await seal(parseJson('content', text(bytes)))),
      refuses: problemsOf('push.refused', 'input.malformed'),
    },
    { name: 'native-backup', samples: [backup], run: open, refuses: problemsOf('input.malformed', 'input.invalid') },
    {
      name: 'native-backup-content',
      samples: [contentOfBackup(backup)],
      words: jsonWords,
      run: async (bytes) => open(await backupAround(bytes)),
      refuses: problemsOf('input.malformed', 'input.invalid'),
    },
  ];
};
