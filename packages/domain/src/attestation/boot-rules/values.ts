import Type from 'typebox';
import { acceptsAll, compileGlob, type Glob, globMatches } from '../../glob.ts';

const maxItems = 256;

/** Globs over texts: `*` stands for any characters, `?` for one, `[a-z]` for one of them. */
export const Globs = Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems });

/** SHA-256 values, in hexadecimal. */
export const Digests = Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$' }), { maxItems: 4096 });

/** Rules are asked for every host, and change seldom. */
const compiled = new Map<string, Glob>();
const maxCompiled = 4096;

/** A glob of a rule. Texts of rules are no paths, so one star stands for slashes, too. @throws {GlobError} */
export function matcher(pattern: string): (text: string) => boolean {
  const glob = compiled.get(pattern) ?? compileGlob(pattern.replaceAll(/\*+/g, '**'));
  if (compiled.size >= maxCompiled) compiled.clear();
  compiled.set(pattern, glob);
  return (text) => globMatches(glob, text);
}

/** Whether a text matches one of the globs. */
export const matchesAny = (patterns: readonly string[], text: string): boolean =>
  patterns.some((pattern) => matcher(pattern)(text));

/** Why a list of globs is refused when it is written: a pattern that is none, or one that everything matches. */
export function lintGlobs(patterns: readonly string[]): string | undefined {
  for (const pattern of patterns) {
    const text = pattern.replace(/^!/, '');
    try {
      if (acceptsAll(compileGlob(text))) return `${pattern} matches everything`;
    } catch (error) {
      return `${pattern}: ${(error as Error).message}`;
    }
  }
  return undefined;
}
