import type { Secret } from '@vouchsafe/bytes/secret';
import { type KeySafe, type OpenKek, openPart, readKeySafe, verifyKeySafe } from '@vouchsafe/domain/keys/key-safe';
import type { Kek, KeyProvider } from '@vouchsafe/domain/keys/provider';
import type { KeyReference, KeyUse } from '@vouchsafe/domain/keys/reference';
import { Problem } from '@vouchsafe/domain/problem';
import type { ReadDomain } from './domain-xml.ts';

/** A key safe that belongs to its domain; nothing of it is open yet. */
export interface BoundSafe {
  readonly text: string;
  readonly safe: KeySafe;
}

/**
 * The key safe of a domain, after every check that needs no key: it is there, it is this VM's, and it is not older
 * than the one last seen.
 * @throws {Problem} `keysafe.missing`, `keysafe.invalid`, `keysafe.other-domain`, `keysafe.rollback`
 */
export function safeOf({ domain }: ReadDomain, lastSeen: number | undefined): BoundSafe {
  const text = domain.keysafe;
  if (text === undefined) throw new Problem('keysafe.missing', `domain ${domain.name} has no key safe`);
  const safe = readKeySafe(text);
  if (safe.vm !== domain.uuid) {
    throw new Problem(
      'keysafe.other-domain',
      `domain ${domain.name} has UUID ${domain.uuid}, its key safe was made for ${safe.vm}`,
    );
  }
  if (lastSeen !== undefined && safe.gen < lastSeen) {
    throw new Problem('keysafe.rollback', `domain ${domain.name}: generation ${safe.gen}, last seen ${lastSeen}`);
  }
  return { text, safe };
}

/**
 * Opens the KEKs of a key safe and checks its MAC under each of them.
 * @throws {Problem} `keysafe.invalid`, `provider.leave-shallow`, `key.use-forbidden`, and what the provider says
 */
export async function openKeks(
  { text, safe }: BoundSafe,
  use: KeyUse,
  providerOf: (reference: KeyReference) => KeyProvider,
): Promise<OpenKek[]> {
  const [first, second] = safe.keks;
  if (second !== undefined && second.prv !== first?.prv)
    throw new Problem(
      'provider.leave-shallow',
      `the key safe wraps the same data keys by providers ${first?.prv} and ${second.prv}`,
    );
  const opened: OpenKek[] = [];
  for (const { n, ...reference } of safe.keks) {
    const kek = await providerOf(reference).open(reference);
    checkUse(kek, use);
    opened.push({ n, reference: kek.reference, key: kek.key });
  }
  for (const kek of opened) verifyKeySafe(text, safe, kek);
  return opened;
}

/** The DEK of every part, by part id. The caller disposes of them. @throws {Problem} `keysafe.invalid` */
export async function openParts(safe: KeySafe, keks: readonly OpenKek[]): Promise<Map<string, Secret>> {
  const deks = new Map<string, Secret>();
  try {
    for (const part of safe.parts) {
      const kek = keks.find(({ n }) => n === part.kek);
      if (kek === undefined) throw new Problem('keysafe.invalid', `${part.id}: KEK ${part.kek} is not in the safe`);
      deks.set(part.id, await openPart(safe, part, kek));
    }
    return deks;
  } catch (error) {
    for (const dek of deks.values()) dek[Symbol.dispose]();
    throw error;
  }
}

function checkUse({ uses }: Kek, use: KeyUse): void {
  if (!uses.includes(use))
    throw new Problem(
      'key.use-forbidden',
      `the provider of this key allows ${uses.join(', ') || 'nothing'}, not ${use}`,
    );
}
