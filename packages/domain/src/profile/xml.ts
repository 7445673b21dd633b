import { DOMParser, type Element } from '@xmldom/xmldom';
import { ProfileError } from './error.ts';

/** Size limit of a domain XML in characters; libvirt itself writes a few kilobytes. */
export const maxDomainXml = 1 << 20;
/** Depth limit of nested elements. libvirt's own schema nests about ten deep; backing chains go deeper. */
const maxDepth = 100;

export type { Element };

/**
 * Root element of a domain XML.
 * @throws {ProfileError} when the text is too large, holds a document type, nests too deep or is not well-formed
 */
export function parseDomainXml(text: string): Element {
  if (text.length > maxDomainXml)
    throw new ProfileError('xml.too-large', `domain XML: ${text.length} characters, limit ${maxDomainXml}`);
  if (text.includes('<!DOCTYPE'))
    throw new ProfileError('xml.doctype', 'domain XML: a document type is not allowed, remove it');
  const root = parse(text);
  checkDepth(root);
  if (root.namespaceURI !== null || root.localName !== 'domain')
    throw new ProfileError('domain.not-a-domain', `domain XML: expected element domain, found ${root.nodeName}`);
  return root;
}

function parse(text: string): Element {
  try {
    const onError = (_level: string, message: string) => {
      throw new SyntaxError(message);
    };
    const root = new DOMParser({ onError, locator: false }).parseFromString(text, 'application/xml').documentElement;
    if (root === null) throw new SyntaxError('no element');
    return root;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new ProfileError('xml.not-well-formed', `domain XML: not well-formed: ${reason}`, { cause });
  }
}

/** Without recursion, unlike everything that walks the tree after it. */
function checkDepth(root: Element): void {
  let level = [root];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > maxDepth) throw new ProfileError('xml.too-deep', `domain XML: elements nest deeper than ${maxDepth}`);
    level = level.flatMap(elements);
  }
}

/** Child elements in document order. */
export const elements = (parent: Element): Element[] =>
  Array.from(parent.childNodes).filter((node): node is Element => node.nodeType === 1);

/** Child elements of libvirt's own vocabulary, which has no namespace. */
export const children = (parent: Element | undefined, name: string): Element[] =>
  parent === undefined ? [] : elements(parent).filter((e) => e.namespaceURI === null && e.localName === name);

/** The first such child. libvirt, too, takes the first where the schema allows one. */
export const child = (parent: Element | undefined, name: string): Element | undefined => children(parent, name)[0];

/** An attribute; missing and empty are the same to libvirt. */
export const attribute = (element: Element | undefined, name: string): string | undefined =>
  element?.getAttribute(name) || undefined;

/** The text of an element without white space around it; missing and empty are the same. */
export const text = (element: Element | undefined): string | undefined => element?.textContent?.trim() || undefined;
