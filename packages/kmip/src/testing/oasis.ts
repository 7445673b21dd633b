import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseElement, type XmlElement } from '../xml/element.ts';

/**
 * The test cases that OASIS publishes with the profiles of each version: XML with requests and the answers that are
 * expected, in their order. Values that only a run can know are variables: `$NOW`, `$NOW-3600`, `$UNIQUE_IDENTIFIER_0`.
 */

/** A request and the answer that is expected to it. */
export interface OasisExchange {
  readonly request: XmlElement;
  readonly response: XmlElement;
  /** What the case says before the request: `TIME 3`, `[Client-B]`, `[Server-to-Client]`, `[REPEAT] until ...`. */
  readonly notes: readonly string[];
}

/** One test case. */
export interface OasisCase {
  /** The file's name without `.xml`. */
  readonly name: string;
  /** The version of the standard that it is published with. */
  readonly version: string;
  readonly exchanges: readonly OasisExchange[];
}

/** The values of the variables of a case; names stand without `$`. */
export interface OasisVariables {
  readonly now: Date;
  /** A variable that a value of this type is wanted for; nothing leaves the variable as it stands. */
  get(name: string, type: string): string | undefined;
}

/** All cases under a folder with one folder for each version (`v1.0`, `v1.2` ...). */
export function oasisCases(folder: string): OasisCase[] {
  const versions = readdirSync(folder).filter((each) => /^v\d/.test(each));
  return versions.sort().flatMap((version) =>
    readdirSync(join(folder, version))
      .filter((file) => file.endsWith('.xml'))
      .sort()
      .map((file) => readOasisCase(join(folder, version, file), version.slice(1))),
  );
}

/** Reads one case. @throws {TtlvError} when it is no XML, {TypeError} when requests and answers do not alternate */
export function readOasisCase(file: string, version: string): OasisCase {
  const root = parseElement(withNotes(readFileSync(file, 'utf8')));
  const exchanges: OasisExchange[] = [];
  let notes: string[] = [];
  let request: XmlElement | undefined;
  for (const child of root.name === 'KMIP' ? root.children : [root]) {
    if (child.name === note) notes.push(child.attributes.text!);
    else if (child.name === 'RequestMessage' && request === undefined) request = tidy(child);
    else if (child.name === 'ResponseMessage' && request !== undefined) {
      exchanges.push({ request, response: tidy(child), notes });
      [request, notes] = [undefined, []];
    } else throw new TypeError(`${basename(file)}: ${child.name} was not expected here`);
  }
  if (request !== undefined) throw new TypeError(`${basename(file)}: a request without answer`);
  return { name: basename(file, '.xml'), version, exchanges };
}

const note = 'Note';

/** Remarks stand as text between the elements, each after a `#`. */
const withNotes = (text: string): string =>
  text.replace(/<!--[\s\S]*?-->/g, '').replace(/>([^<>]*\S[^<>]*)</g, (_all, said: string) => {
    const remarks = said.split('#').map((each) => each.replace(/[&"\s]+/g, ' ').trim());
    return `>${remarks.map((each) => (each === '' ? '' : `<${note} text="${each}"/>`)).join('')}<`;
  });

/** The files break long values over lines; what that adds is taken out again. */
function tidy({ name, attributes, children }: XmlElement): XmlElement {
  const { value } = attributes;
  const octets = attributes.type === 'ByteString' || attributes.type === 'BigInteger';
  const clean = value?.trim().replace(/ +/g, octets ? '' : ' ');
  return {
    name,
    attributes: clean === undefined ? attributes : { ...attributes, value: clean },
    children: children.filter((child) => child.name !== note).map(tidy),
  };
}

const variable = /^\$(?:(NOW)([+-]\d{1,12})?|([A-Z][A-Z0-9_]*))$/;

/** The element with the variables in it replaced by their values. */
export function withValues(element: XmlElement, variables: OasisVariables): XmlElement {
  const { name, attributes, children } = element;
  const { type = '', value } = attributes;
  const [, now, shift, wanted] = variable.exec(value ?? '') ?? [];
  const given =
    now !== undefined
      ? new Date(Math.floor(variables.now.getTime() / 1000 + Number(shift ?? 0)) * 1000).toISOString()
      : wanted === undefined
        ? undefined
        : variables.get(wanted, type);
  return {
    name,
    attributes: given === undefined ? attributes : { ...attributes, value: given },
    children: children.map((child) => withValues(child, variables)),
  };
}

/** The variable that an element's value is, without `$`; nothing when it is a value, or a time. */
export const variableOf = (element: XmlElement): string | undefined =>
  variable.exec(element.attributes.value ?? '')?.[3];
