import { DOMParser, type Element } from '@xmldom/xmldom';
import { namespaces } from './names.ts';

/** What one element may hold: exactly these attributes, and either text or exactly these children in this order. */
export interface Shape {
  readonly prefix: keyof typeof namespaces;
  readonly name: string;
  /** A string is the only value; `true` must be there, `false` may. Names with a prefix are of that namespace. */
  readonly attributes?: Readonly<Record<string, string | boolean>>;
  readonly content: 'text' | 'nothing' | readonly Shape[];
  readonly times?: 'once' | 'many';
}

/** An element that has its shape: attributes by name, children by name, text. */
export interface Shaped {
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly children: Readonly<Record<string, readonly Shaped[]>>;
}

/** Comments, document types, CDATA and processing instructions begin so: nothing that is signed here has any. */
const markup = /<[!?]/;

/**
 * Parses XML and holds it against its shape; anything that is not foreseen is refused, wherever it stands.
 * @throws {SyntaxError} naming the element
 */
export function readShaped(text: string, shape: Shape): { readonly root: Element; readonly shaped: Shaped } {
  if (markup.test(text)) throw new SyntaxError('document types, comments, CDATA and instructions are not allowed');
  const onError = (_level: string, message: string) => {
    throw new SyntaxError(`not well-formed: ${message.split('\n')[0]}`);
  };
  const document = new DOMParser({ onError, locator: false }).parseFromString(text, 'application/xml');
  const root = document.documentElement;
  if (root === null) throw new SyntaxError('no element');
  return { root, shaped: shapedOf(root, shape, shape.name) };
}

function shapedOf(element: Element, shape: Shape, path: string): Shaped {
  if (element.localName !== shape.name || element.namespaceURI !== namespaces[shape.prefix])
    throw new SyntaxError(`${path}: found element ${element.nodeName}`);
  const attributes = attributesOf(element, shape.attributes ?? {}, path);
  const nodes = Array.from(element.childNodes);
  if (shape.content === 'text') {
    if (nodes.some((node) => node.nodeType !== 3)) throw new SyntaxError(`${path}: expected text alone`);
    return { attributes, text: element.textContent ?? '', children: {} };
  }
  const stray = nodes.find((node) => node.nodeType !== 1);
  if (stray !== undefined) throw new SyntaxError(`${path}: found ${stray.nodeName} between elements`);
  return { attributes, text: '', children: childrenOf(nodes as Element[], shape, path) };
}

function childrenOf(elements: readonly Element[], { content }: Shape, path: string): Shaped['children'] {
  const expected = typeof content === 'string' ? [] : content;
  const found: Record<string, Shaped[]> = {};
  let at = 0;
  for (const shape of expected) {
    const isThis = () => elements[at]?.localName === shape.name;
    const list: Shaped[] = [];
    do {
      const element = elements[at++];
      if (element === undefined) throw new SyntaxError(`${path}: ${shape.name} is missing`);
      list.push(shapedOf(element, shape, `${path}/${shape.name}`));
    } while (shape.times === 'many' && isThis());
    found[shape.name] = list;
  }
  const left = elements[at];
  if (left !== undefined) throw new SyntaxError(`${path}: found element ${left.nodeName}, which is not expected there`);
  return found;
}

const xmlns = 'http://www.w3.org/2000/xmlns/';

function attributesOf(element: Element, expected: NonNullable<Shape['attributes']>, path: string) {
  const found: Record<string, string> = {};
  for (const { name, localName, namespaceURI, value } of Array.from(element.attributes)) {
    if (namespaceURI === xmlns) continue;
    const known = name.includes(':') ? namespaceURI === namespaces.xsi && `xsi:${localName}` : name;
    if (known === false || !Object.hasOwn(expected, known)) throw new SyntaxError(`${path}: found attribute ${name}`);
    const only = expected[known];
    if (typeof only === 'string' && value !== only) throw new SyntaxError(`${path}: ${name}: expected ${only}`);
    found[known] = value;
  }
  const missing = Object.entries(expected).find(([name, need]) => need !== false && !Object.hasOwn(found, name));
  if (missing !== undefined) throw new SyntaxError(`${path}: attribute ${missing[0]} is missing`);
  return found;
}

/** The one child of a name. */
export function only(shaped: Shaped, ...path: string[]): Shaped {
  return path.reduce((at, name) => {
    const [child] = at.children[name] ?? [];
    if (child === undefined) throw new SyntaxError(`${name} is missing`);
    return child;
  }, shaped);
}
