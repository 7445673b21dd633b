import { Problem } from '@vouchsafe/domain/problem';
import type { Replacement } from './raw-config.ts';

/** The collections of a part, each with the check of what stands under a name in it. */
export type Collections = Readonly<Record<string, (name: string, body: unknown) => void>>;

/**
 * Refuses a configuration that the part could not read back: one bad document would stop it until somebody mends its
 * store by hand.
 * @throws {Problem} `input.invalid`, `input.malformed` naming the document
 */
export function checkDocuments({ documents }: Replacement, collections: Collections): void {
  const seen = new Set<string>();
  for (const { collection, name, body } of documents) {
    const at = `${collection}/${name}`;
    if (!Object.hasOwn(collections, collection)) throw new Problem('input.invalid', `${at}: no such collection`);
    if (seen.has(at)) throw new Problem('input.invalid', `${at}: stands there twice`);
    seen.add(at);
    try {
      collections[collection]?.(name, body);
    } catch (cause) {
      const kind = cause instanceof Problem ? cause.kind : 'input.invalid';
      throw new Problem(kind, `${at}: ${(cause as Error).message}`, { cause });
    }
  }
}

/** Refuses a document whose name is not the one in its body. */
export function sameName(name: string, own: string): void {
  if (name !== own) throw new Problem('input.invalid', `its name is ${own}`);
}
