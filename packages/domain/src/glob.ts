/** What stands at one place of a glob. */
type Token =
  | { readonly kind: 'text'; readonly char: string }
  /** `?`: one character, but no `/`. */
  | { readonly kind: 'one' }
  /** `*`: any number of characters, but no `/`. */
  | { readonly kind: 'many' }
  /** `**`: any number of characters. */
  | { readonly kind: 'all' }
  /** `[a-z]`, `[!a-z]`: one character, never `/`. */
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [string, string])[] };

/** A compiled glob. */
export interface Glob {
  readonly pattern: string;
  /** The characters before the first wildcard: what does not begin with them is no match. */
  readonly prefix: string;
  /** What comes behind the prefix. */
  readonly tokens: readonly Token[];
}

/** A pattern that is no glob; the message says where and why. */
export class GlobError extends Error {
  override readonly name = 'GlobError';
}

const maxPattern = 512;

/**
 * Compiles a glob: `*` and `?` stand for characters but `/`, `**` for all characters, `[a-z]` and `[!a-z]` for one
 * character but `/`, `\` takes the next character as it is. It always stands for the whole text. There are no regular
 * expressions, no braces, and no rule by which `/a/**`+`/b` would stand for `/a/b`.
 * @throws {GlobError}
 */
export function compileGlob(pattern: string): Glob {
  if (pattern.length === 0) throw new GlobError('expected a pattern, not an empty text');
  if (pattern.length > maxPattern) throw new GlobError(`${pattern.length} characters, limit ${maxPattern}`);
  const chars = [...pattern];
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; ) {
    const [token, next] = readToken(chars, at);
    tokens.push(token);
    at = next;
  }
  const wild = tokens.findIndex(({ kind }) => kind !== 'text');
  const literal = wild < 0 ? tokens : tokens.slice(0, wild);
  const prefix = literal.map((token) => (token.kind === 'text' ? token.char : '')).join('');
  return { pattern, prefix, tokens: tokens.slice(literal.length) };
}

function readToken(chars: readonly string[], at: number): [Token, number] {
  const char = chars[at]!;
  if (char === '?') return [{ kind: 'one' }, at + 1];
  if (char === '*') return readStars(chars, at);
  if (char === '[') return readClass(chars, at);
  if (char !== '\\') return [{ kind: 'text', char }, at + 1];
  const escaped = chars[at + 1];
  if (escaped === undefined) throw new GlobError('ends in a backslash: write \\\\ for one');
  return [{ kind: 'text', char: escaped }, at + 2];
}

function readStars(chars: readonly string[], at: number): [Token, number] {
  if (chars[at + 1] !== '*') return [{ kind: 'many' }, at + 1];
  if (chars[at + 2] === '*') throw new GlobError(`three stars at character ${at + 1}: expected * or **`);
  return [{ kind: 'all' }, at + 2];
}

function readClass(chars: readonly string[], start: number): [Token, number] {
  const negated = chars[start + 1] === '!' || chars[start + 1] === '^';
  const ranges: [string, string][] = [];
  let at = start + (negated ? 2 : 1);
  while (chars[at] !== ']') {
    const [from, next] = classChar(chars, at, start);
    const isRange = chars[next] === '-' && chars[next + 1] !== ']';
    const [to, end] = isRange ? classChar(chars, next + 1, start) : [from, next];
    if (to < from) throw new GlobError(`[${from}-${to}] at character ${start + 1}: ends before it begins`);
    ranges.push([from, to]);
    at = end;
  }
  if (ranges.length === 0) throw new GlobError(`[] at character ${start + 1}: expected characters; write \\] for one`);
  return [{ kind: 'class', negated, ranges }, at + 1];
}

function classChar(chars: readonly string[], at: number, start: number): [string, number] {
  const char = chars[at] === '\\' ? chars[at + 1] : chars[at];
  if (char === undefined) throw new GlobError(`[ at character ${start + 1} without ]; write \\[ for the character`);
  return [char, at + (chars[at] === '\\' ? 2 : 1)];
}

/**
 * Whether the whole text matches. The time is bounded by length of text times length of pattern, whatever they say:
 * all places of the pattern that are possible are followed at once, none is gone back to.
 * @param count told how many places were looked at, for tests
 */
export function globMatches({ prefix, tokens }: Glob, text: string, count?: (places: number) => void): boolean {
  if (!text.startsWith(prefix)) return false;
  if (tokens.length === 0) return text.length === prefix.length;
  if (tokens.length === 1 && tokens[0]!.kind === 'all') return true;
  let places = reached(tokens, [0]);
  for (const char of text.slice(prefix.length)) {
    count?.(places.length);
    places = reached(tokens, step(tokens, places, char));
    if (places.length === 0) return false;
  }
  return places.at(-1) === tokens.length;
}

/** Places behind one more character, ascending, each at most twice. */
function step(tokens: readonly Token[], places: readonly number[], char: string): number[] {
  const next: number[] = [];
  for (const place of places) {
    const token = tokens[place];
    if (token === undefined || !takes(token, char)) continue;
    next.push(token.kind === 'many' || token.kind === 'all' ? place : place + 1);
  }
  return next;
}

/** With the places that follow without a character, since stars may stand for none; each once, ascending. */
function reached(tokens: readonly Token[], places: readonly number[]): number[] {
  const all: number[] = [];
  for (const place of places) {
    let at = place;
    while ((all.at(-1) ?? -1) < at) {
      all.push(at);
      const kind = tokens[at]?.kind;
      if (kind !== 'many' && kind !== 'all') break;
      at++;
    }
  }
  return all;
}

function takes(token: Token, char: string): boolean {
  if (token.kind === 'text') return token.char === char;
  if (token.kind === 'all') return true;
  if (char === '/') return false;
  if (token.kind !== 'class') return true;
  return token.ranges.some(([from, to]) => from <= char && char <= to) !== token.negated;
}

/** Whether a glob names nothing in particular: only wildcards and `/`. Such a rule would accept everything. */
export const acceptsAll = ({ prefix, tokens }: Glob): boolean =>
  /^\/*$/.test(prefix) && tokens.every((token) => token.kind !== 'text' || token.char === '/');
