/**
 * JSON in the one form that digests are taken of: members sorted by name, no white space (RFC 8785, JSON
 * Canonicalization Scheme). Members that are `undefined` are left out, as in `JSON.stringify`.
 * @throws {TypeError} for what JSON cannot say: numbers that are not finite, functions, symbols, big integers
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) return canonicalObject(value);
  const text = typeof value === 'number' && !Number.isFinite(value) ? undefined : JSON.stringify(value);
  if (text === undefined) throw new TypeError(`${String(value)} is no JSON`);
  return text;
}

/** RFC 8785, 3.2.3: sorted by UTF-16 code units, which is how JavaScript compares strings. */
function canonicalObject(value: object): string {
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`)
    .join(',')}}`;
}
