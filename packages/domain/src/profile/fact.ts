import { attribute, type Element, elements } from './xml.ts';

/**
 * One thing about a domain that decides what code enters the guest or where its data goes.
 * `kind` and `id` say what it is about, every other field is a detail.
 */
export interface Fact {
  readonly kind: string;
  readonly id: string;
  readonly [detail: string]: string | boolean;
}

/** Details that are absent are left out, so that missing and default are the same. */
export function fact(kind: string, id: string, details: Record<string, string | boolean | undefined> = {}): Fact {
  const said = Object.entries(details).filter((entry): entry is [string, string | boolean] => entry[1] !== undefined);
  return { kind, id, ...Object.fromEntries(said) };
}

/** JSON text of a fact in exactly one spelling: members sorted by name, no white space. */
export const factText = (of: Fact): string =>
  JSON.stringify(Object.fromEntries(Object.entries(of).toSorted(([a], [b]) => (a < b ? -1 : 1))));

/**
 * The whole element as text in exactly one spelling: attributes sorted, white space around text dropped.
 * `without` names attributes and children of the element itself that libvirt adds or changes on its own.
 */
export function verbatim(
  element: Element,
  without: readonly string[] = [],
  value: (text: string) => string = (text) => text,
): string {
  const keep = (name: string | null) => !without.includes(name ?? '');
  const attributes = Array.from(element.attributes)
    .filter((a) => a.namespaceURI !== 'http://www.w3.org/2000/xmlns/' && keep(a.localName))
    .map((a) => `${spelled(a)}=${JSON.stringify(value(a.value))}`)
    .toSorted();
  const inner = elements(element).filter((e) => keep(e.localName));
  const body =
    inner.length > 0 ? inner.map((e) => verbatim(e, [], value)).join('') : (element.textContent ?? '').trim();
  return `<${[spelled(element), ...attributes].join(' ')}>${inner.length > 0 ? body : escaped(body)}</>`;
}

const spelled = (node: { readonly namespaceURI: string | null; readonly localName: string | null }): string =>
  node.namespaceURI === null ? `${node.localName}` : `{${node.namespaceURI}}${node.localName}`;

const escaped = (value: string): string => value.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** `name=value` of the attributes in `names` that are there, in that order. */
export const picked = (element: Element | undefined, names: readonly string[]): string =>
  names
    .map((name) => [name, attribute(element, name)] as const)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
