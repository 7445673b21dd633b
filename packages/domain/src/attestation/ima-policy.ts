import { createHash } from 'node:crypto';
import Type from 'typebox';
import type { Glob } from '../glob.ts';
import type { BaseImage } from './base-image.ts';
import type { AllowList } from './ima/allow-list.ts';
import { readExcludes } from './ima/exclude-lint.ts';
import { emptyKeyring, type Keyring, keyringOf } from './ima/keyring.ts';

const Severity = Type.Union([Type.Literal('fail'), Type.Literal('warn')]);

/** What holds for the IMA logs of all hosts, beside the lists that their images name. */
export const ImaSettings = Type.Object(
  {
    /** Globs of files that may have any content. Whoever is root can execute such a file. */
    excludes: Type.Array(Type.String({ minLength: 1, maxLength: 512 }), { maxItems: 1000 }),
    /** Keys or certificates, PEM: a file with a signature of one of them (`security.ima`) may have any content. */
    keys: Type.Array(Type.String({ maxLength: 16384 }), { maxItems: 64 }),
    /**
     * A file that was read while it was being written: what was used may not be what was measured. `by-path`: refused
     * unless an exclude matches. Nothing but their number is proven of such entries, not even the path: `fail` refuses all.
     */
    violations: Type.Union([Type.Literal('by-path'), Severity]),
    /** The host has loaded another kernel with kexec, as IMA's buffer `kexec-cmdline` tells. */
    kexec: Severity,
    /** Other measured buffers that no list names: keys, critical data. */
    buffers: Severity,
  },
  { additionalProperties: false },
);
export type ImaSettings = Type.Static<typeof ImaSettings>;

export const defaultImaSettings: ImaSettings = {
  excludes: [],
  keys: [],
  violations: 'by-path',
  kexec: 'fail',
  buffers: 'warn',
};

/** What IMA logs are judged by. */
export interface ImaPolicy {
  readonly settings: ImaSettings;
  /** By name. */
  readonly lists: ReadonlyMap<string, AllowList>;
  /** The settings' excludes, compiled. */
  readonly excludes: readonly Glob[];
  /** The settings' keys, read. */
  readonly keyring: Keyring;
}

/** The policy of who has said nothing about IMA: no image can claim that it covers userspace. */
export const noImaPolicy: ImaPolicy = {
  settings: defaultImaSettings,
  lists: new Map(),
  excludes: [],
  keyring: emptyKeyring,
};

/** @throws {Problem} `input.invalid`, `input.malformed` naming the exclude or key */
export const imaPolicyOf = (settings: ImaSettings, lists: Iterable<AllowList>): ImaPolicy => ({
  settings,
  lists: new Map([...lists].map((list) => [list.name, list])),
  excludes: readExcludes(settings.excludes),
  keyring: keyringOf(settings.keys),
});

/**
 * What a verdict of IMA entries depends on, as one digest: settings, the lists that the image names with their
 * contents, the image's agent. What was judged by one digest must be judged anew by another.
 */
export function imaRulesDigest(policy: ImaPolicy, { ima, agent }: Pick<BaseImage, 'ima' | 'agent'>): string {
  const lists = (ima?.lists ?? []).map((name) => [name, policy.lists.get(name)?.digest ?? null]);
  const text = JSON.stringify([policy.settings, lists, agent ?? null]);
  return createHash('sha256').update(text).digest('hex');
}

/** The policy as a document for digests over all policy: lists by the digest of their contents. */
export const imaPolicyDocument = ({ settings, lists }: ImaPolicy) => ({
  settings,
  lists: Object.fromEntries([...lists.values()].map(({ name, digest }) => [name, digest])),
});
