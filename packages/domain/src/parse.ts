import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Problem } from './problem.ts';

/** Deepest nesting of JSON that is read at all. */
const maxDepth = 32;

// A string is matched by unrolled loops, so that a long one costs no stack. Each string is taken whole, so that what
// stands inside one is never read as a bracket or a name; only a name has a colon behind it.
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[[\]{}]/gs;

/**
 * A reader for JSON of one schema: parses, refuses what RFC 8259 leaves open (duplicate names, deep nesting), checks.
 *
 * @param what name of the input for messages, for instance `attestation claims`
 * @returns a function that gives the typed value
 * @throws {Problem} `input.malformed` when the text is no JSON, `input.invalid` naming the field otherwise
 */
export function jsonReader<S extends TSchema>(what: string, schema: S): (text: string) => Static<S> {
  const check = validator(what, schema);
  return (text) => check(parseJson(what, text));
}

/** The schema check alone, for values that were parsed already. */
export function validator<S extends TSchema>(what: string, schema: S): (value: unknown) => Static<S> {
  const compiled = Compile(schema);
  return (value) => {
    if (compiled.Check(value)) return value as Static<S>;
    const [first] = compiled.Errors(value);
    throw new Problem('input.invalid', `${what}: ${first === undefined ? 'not as expected' : inWords(first)}`);
  };
}

type SchemaError = ReturnType<ReturnType<typeof Compile>['Errors']>[number];

/** Names the field; a member that no schema has is reported by its own path, as the schema `false` (JSON Schema 4.3.2). */
function inWords({ keyword, instancePath, message }: SchemaError): string {
  const field = instancePath.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~') || '(root)';
  return `${field}: ${keyword === 'boolean' ? 'there is no such member' : message}`;
}

/** JSON without duplicate names, of bounded depth, its numbers as they were written. @throws {Problem} `input.malformed` */
export function parseJson(what: string, text: string): unknown {
  refuseDeep(what, text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // Neither message nor cause quotes the text: what stands before and behind its fault may be a secret.
    const [why] = /^(?:Unexpected token|[^"]*)/.exec((cause as Error).message) ?? [];
    throw new Problem('input.malformed', `${what}: not JSON: ${why}`);
  }
  refuseDuplicates(what, text, value);
  refuseInexact(what, value);
  return value;
}

function refuseDeep(what: string, text: string): void {
  let depth = 0;
  for (const { 0: token } of text.matchAll(tokens)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    if (depth > maxDepth) throw new Problem('input.malformed', `${what}: nested deeper than ${maxDepth}`);
  }
}

/** JSON.parse keeps the last of two members of one name; whoever reads the first would see another document. */
function refuseDuplicates(what: string, text: string, value: unknown): void {
  let written = 0;
  for (const { 1: colon } of text.matchAll(tokens)) if (colon !== undefined) written++;
  if (written !== countNames(value)) throw new Problem('input.malformed', `${what}: a name stands twice in one object`);
}

/** JSON.parse rounds: two readers would see two numbers (RFC 8259, 6; RFC 7493, 2.2). */
function refuseInexact(what: string, value: unknown): void {
  if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER)
    throw new Problem('input.malformed', `${what}: the number ${value} is beyond ±(2^53 - 1)`);
  if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) refuseInexact(what, each);
}

function countNames(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce((sum: number, each) => sum + countNames(each), own);
}
