import { TtlvError } from '../error.ts';

/** An element: its name, its attributes, and the elements inside it. Text between elements is white space only. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: XmlAttributes;
  readonly children: readonly XmlElement[];
}

/** Attributes by name; KMIP uses three. */
export interface XmlAttributes {
  readonly type?: string;
  readonly value?: string;
  readonly tag?: string;
  readonly [name: string]: string | undefined;
}

/** What a document may cost. */
export interface XmlLimits {
  /** Characters of the whole document. */
  readonly length: number;
  /** Elements inside one another. */
  readonly depth: number;
  readonly elements: number;
  /** Attributes of one element. */
  readonly attributes: number;
}

/** Far above any message: twice two characters for each octet of the longest message, and the names around them. */
export const xmlLimits: XmlLimits = { length: 8_388_608, depth: 34, elements: 65_536, attributes: 8 };

const name = /[A-Za-z_][\w.-]{0,127}/y;
const space = /[ \t\r\n]*/y;
const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/**
 * Reads one element as KMIP writes them: elements, attributes, comments and an XML declaration, in one pass that does not
 * recurse. Everything else of XML is refused: document types and so entities of one's own, sections of character data,
 * processing instructions, text.
 * @throws {TtlvError} naming the place in the text
 */
export function parseElement(text: string, limits: XmlLimits = xmlLimits): XmlElement {
  if (text.length > limits.length) throw fault(0, `${text.length} characters, limit ${limits.length}`);
  const reader = new XmlReader(text, limits);
  reader.prolog();
  const root = reader.element();
  reader.misc();
  if (reader.at < text.length) throw fault(reader.at, 'something follows the element');
  return root;
}

const fault = (at: number, reason: string) => new TtlvError('malformed', 'document', at, reason);

interface Open {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly children: XmlElement[];
}

class XmlReader {
  readonly #text: string;
  readonly #limits: XmlLimits;
  #elements = 0;
  at = 0;

  constructor(text: string, limits: XmlLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  prolog(): void {
    if (this.#text.startsWith('\uFEFF')) this.at = 1;
    if (this.#sees('<?xml ')) this.at = this.#after('?>');
    this.misc();
  }

  /** White space and comments. */
  misc(): void {
    for (;;) {
      this.#match(space);
      if (!this.#sees('<!--')) return;
      this.at = this.#after('-->');
    }
  }

  element(): XmlElement {
    const open: Open[] = [];
    for (;;) {
      const closed = this.#sees('</') ? this.#end(open.pop()) : this.#start(open);
      if (closed !== undefined) {
        const parent = open.at(-1);
        if (parent === undefined) return closed;
        parent.children.push(closed);
      }
      this.misc();
    }
  }

  /** A start tag; the element when it is empty. */
  #start(open: Open[]): XmlElement | undefined {
    if (!this.#sees('<')) throw fault(this.at, 'expected an element');
    if (++this.#elements > this.#limits.elements) throw fault(this.at, `more than ${this.#limits.elements} elements`);
    this.at++;
    const element: Open = { name: this.#name(), attributes: this.#attributes(), children: [] };
    if (this.#take('/>')) return element;
    if (!this.#take('>')) throw fault(this.at, 'expected the end of a tag');
    if (open.length === this.#limits.depth)
      throw fault(this.at, `more than ${this.#limits.depth} elements inside one another`);
    open.push(element);
    return undefined;
  }

  #end(element: Open | undefined): XmlElement {
    this.at += 2;
    if (element === undefined || this.#name() !== element.name)
      throw fault(this.at, 'an element ends that is not open');
    this.#match(space);
    if (!this.#take('>')) throw fault(this.at, 'expected the end of a tag');
    return element;
  }

  #attributes(): Record<string, string> {
    const found: Record<string, string> = Object.create(null);
    for (let count = 0; ; count++) {
      const before = this.at;
      this.#match(space);
      if (this.#sees('/') || this.#sees('>')) return found;
      if (this.at === before || count === this.#limits.attributes)
        throw fault(this.at, `expected a space, or more than ${this.#limits.attributes} attributes`);
      const key = this.#name();
      this.#match(space);
      if (!this.#take('=')) throw fault(this.at, 'expected =');
      this.#match(space);
      if (key in found) throw fault(this.at, `attribute ${key} stands twice`);
      found[key] = this.#value();
    }
  }

  #value(): string {
    const quote = this.#text[this.at];
    if (quote !== '"' && quote !== "'") throw fault(this.at, 'expected a value in quotes');
    const end = this.#text.indexOf(quote, this.at + 1);
    const raw = this.#text.slice(this.at + 1, end < 0 ? undefined : end);
    if (end < 0 || raw.includes('<')) throw fault(this.at, 'a value without end');
    const value = raw.replace(/[\t\r\n]/g, ' ').replace(/&([^;]{0,12};?)/g, (_all, entity) => this.#entity(entity));
    this.at = end + 1;
    return value;
  }

  #entity(entity: string): string {
    const [, known, decimal, hexadecimal] =
      /^(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([\da-fA-F]{1,6}));$/.exec(entity) ?? [];
    if (known !== undefined) return entities[known]!;
    const code = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal);
    if (!(code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)))
      throw fault(this.at, 'no such character or entity');
    return String.fromCodePoint(code);
  }

  #name(): string {
    const found = this.#match(name);
    if (found === '') throw fault(this.at, 'expected a name');
    return found;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.at += found.length;
    return found;
  }

  #sees(what: string): boolean {
    return this.#text.startsWith(what, this.at);
  }

  #take(what: string): boolean {
    if (!this.#sees(what)) return false;
    this.at += what.length;
    return true;
  }

  #after(what: string): number {
    const end = this.#text.indexOf(what, this.at);
    if (end < 0) throw fault(this.at, `expected ${what}`);
    return end + what.length;
  }
}

/** An element as text, two spaces a level. */
export function printElement({ name, attributes, children }: XmlElement, indent = ''): string {
  const pairs = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value ?? '')}"`);
  const start = `${indent}<${name}${pairs.join('')}`;
  if (children.length === 0) return `${start}/>\n`;
  return `${start}>\n${children.map((each) => printElement(each, `${indent}  `)).join('')}${indent}</${name}>\n`;
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (value: string): string =>
  value.replace(/[&<>"\p{Cc}]/gu, (each) => escapes[each] ?? `&#${each.codePointAt(0)};`);
