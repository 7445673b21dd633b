import { variableOf } from '@vouchsafe/kmip/testing/oasis';
import type { XmlElement } from '@vouchsafe/kmip/xml/element';
import { baselineOperations } from './rules.ts';

/** What is known of a case when an answer is looked at. */
export interface Context {
  readonly now: Date;
  /** Values of variables; a variable that has none takes the value that stands in its place. */
  readonly values: Map<string, string>;
  /** The request that was answered, with its variables replaced. */
  readonly request: XmlElement;
  /** Dates that requests of the case gave, as seconds. */
  readonly dates: ReadonlySet<number>;
  /** Ids of objects that the server made in this case. */
  readonly made: ReadonlySet<string>;
  /** Ids of keys whose parameters make an operation random. */
  readonly random: ReadonlySet<string>;
}

/** A difference, and where. */
export class Difference extends Error {
  override readonly name = 'Difference';
}

const differ = (path: string, expected: string, found: string): never => {
  throw new Difference(`${path}: expected ${expected}, found ${found}`);
};

/** The value of the first element on a path of names. */
export function valueAt(element: XmlElement | undefined, ...path: readonly string[]): string | undefined {
  let here = element;
  for (const name of path) here = here?.children.find((child) => child.name === name);
  return here?.attributes.value;
}

const text = ({ name, attributes, children }: XmlElement): string =>
  children.length > 0
    ? `${name}{${children.map(text).join(' ')}}`.slice(0, 120)
    : `${name}=${(attributes.value ?? '').slice(0, 80)}`;

/** Compares an answer with what the case expects. @throws {Difference} the first one */
export function compareAnswer(expected: XmlElement, actual: XmlElement, context: Context): void {
  const header = sameVersion(part(expected, 'ResponseHeader'), part(context.request, 'RequestHeader'));
  compareChildren(header, part(actual, 'ResponseHeader'), 'ResponseHeader', context);
  const [wanted, given] = [items(expected), items(actual)];
  if (wanted.length !== given.length) differ('ResponseMessage', `${wanted.length} batch items`, `${given.length}`);
  const requests = items(context.request);
  wanted.forEach((each, i) => {
    compareItem(each, given[i]!, requests[i]!, `BatchItem[${i}]`, context);
  });
}

const part = (message: XmlElement, name: string): XmlElement =>
  message.children.find((child) => child.name === name) ?? { name, attributes: {}, children: [] };

/** An answer is in the version of its request; OMOS-O-1-14 has another one. */
const sameVersion = (answer: XmlElement, request: XmlElement): XmlElement => ({
  ...answer,
  children: answer.children.map((each) =>
    each.name === 'ProtocolVersion' ? (request.children.find(({ name }) => name === each.name) ?? each) : each,
  ),
});

const items = (message: XmlElement): XmlElement[] => message.children.filter(({ name }) => name === 'BatchItem');

function compareItem(
  expected: XmlElement,
  actual: XmlElement,
  request: XmlElement,
  path: string,
  context: Context,
): void {
  const bare = (item: XmlElement): XmlElement => ({
    ...item,
    children: item.children.filter(({ name }) => name !== 'ResponsePayload' && name !== 'ResultMessage'),
  });
  try {
    compareChildren(bare(expected), bare(actual), path, context);
  } catch (error) {
    const said = [valueAt(actual, 'ResultReason'), valueAt(actual, 'ResultMessage')].filter(
      (each) => each !== undefined,
    );
    if (error instanceof Difference && said.length > 0) throw new Difference(`${error.message} (${said.join(': ')})`);
    throw error;
  }
  const operation = valueAt(expected, 'Operation') ?? '';
  const where = `${path}.${operation}`;
  const payloads = [part(expected, 'ResponsePayload'), part(actual, 'ResponsePayload')] as const;
  const own = payloads[1].children;
  const scope = { ...context, operation, request, answer: own } as const;
  if (operation === 'Query') compareQuery(payloads[0], payloads[1], where, scope);
  else if (operation === 'DiscoverVersions') compareVersions(payloads[0], payloads[1], where, request);
  else if (listing.has(operation)) compareLists(payloads[0], payloads[1], where, scope);
  else compareChildren(payloads[0], payloads[1], where, scope);
}

/** Operations whose answers are sets. */
const listing = new Set(['GetAttributes', 'GetAttributeList', 'Locate']);

interface ItemContext extends Context {
  readonly operation?: string;
}

function compareChildren(expected: XmlElement, actual: XmlElement, path: string, context: ItemContext): void {
  const [wanted, given] = [known(expected), known(actual)];
  for (const [i, each] of wanted.entries()) {
    const other = given[i];
    if (other === undefined) differ(path, text(each), 'nothing');
    else compare(each, other, path, context);
  }
  if (given.length > wanted.length) differ(path, 'nothing more', text(given[wanted.length]!));
}

/** An index of 0 may be said or not. */
const known = ({ children }: XmlElement): XmlElement[] =>
  children.filter(({ name, attributes }) => name !== 'AttributeIndex' || attributes.value !== '0');

function compare(expected: XmlElement, actual: XmlElement, path: string, context: ItemContext): void {
  const attribute = expected.name === 'Attribute' ? `[${valueAt(expected, 'AttributeName') ?? ''}]` : '';
  const here = `${path}.${expected.name}${attribute}`;
  if (expected.name !== actual.name) differ(path, text(expected), text(actual));
  if (mayDiffer(expected, actual, path, context)) return;
  const [type, other] = [expected.attributes.type ?? 'Structure', actual.attributes.type ?? 'Structure'];
  if (type !== other) differ(here, type, other);
  if (type === 'Structure') compareChildren(expected, actual, here, context);
  else compareValue(expected, actual, here, context);
}

function compareValue(expected: XmlElement, actual: XmlElement, here: string, context: ItemContext): void {
  const found = actual.attributes.value ?? '';
  const variable = variableOf(expected);
  if (variable !== undefined) {
    const bound = context.values.get(variable);
    if (bound === undefined) context.values.set(variable, found);
    else if (bound !== found) differ(here, bound, found);
    return;
  }
  const type = expected.attributes.type;
  const value = expected.attributes.value ?? '';
  if (type === 'DateTime') compareDate(value, found, here, context);
  else if (type === 'ByteString' || type === 'BigInteger') {
    if (value.toLowerCase() !== found.toLowerCase()) differ(here, value, found);
  } else if (normal(value) !== normal(found)) differ(here, value, found);
}

/** A mask lists its names in any order. */
const normal = (value: string): string => value.trim().split(/\s+/).sort().join(' ');

function compareDate(value: string, found: string, here: string, { now, dates }: ItemContext): void {
  const shift = /^\$NOW([+-]\d+)?$/.exec(value);
  const wanted = shift === null ? Date.parse(value) / 1000 : Math.floor(now.getTime() / 1000) + Number(shift[1] ?? 0);
  const actual = Date.parse(found) / 1000;
  const given = shift !== null || dates.has(wanted);
  if (given ? wanted !== actual : Number.isNaN(actual)) differ(here, value, found);
}

const keyFields = new Set(['KeyMaterial', 'KeyValue']);
const serverFacts = new Set(['VendorIdentification', 'LeaseTime']);
const computed = new Set(['Data', 'SignatureData', 'MACData', 'IVCounterNonce', 'AuthenticatedEncryptionTag']);

/** What the rules let differ whatever its value is; its type and what it means are looked at all the same. */
function mayDiffer(expected: XmlElement, actual: XmlElement, path: string, context: ItemContext): boolean {
  const { name } = expected;
  if (name === 'TimeStamp' || serverFacts.has(name) || (name === 'AttributeValue' && isGenerator(path))) return true;
  if (variableOf(expected) !== undefined) return false;
  if (name === 'UniqueIdentifier' && actual.attributes.value === idAsked(context)) return true;
  const { made, random, operation = '' } = context;
  const about = idAsked(context) ?? idAnswered(context);
  const ours = about !== undefined && made.has(about);
  if (keyFields.has(name) && ours) return sameKey(actual, about, path, context);
  if (name === 'DigestValue' && ours) return true;
  if (computed.has(name) && about !== undefined && (ours || random.has(about))) return true;
  return name === 'Data' && operation === 'RNGRetrieve' ? sameLength(expected, actual) : false;
}

const idAsked = ({ request }: Context): string | undefined => valueAt(request, 'RequestPayload', 'UniqueIdentifier');

/** Inside the Random Number Generator of an object: which one the server has. */
const isGenerator = (path: string): boolean => path.endsWith('.Attribute[Random Number Generator]');

const idAnswered = (context: ItemContext & { answer?: readonly XmlElement[] }): string | undefined =>
  context.answer?.find(({ name }) => name === 'UniqueIdentifier')?.attributes.value;

/** A key that was fetched twice in the same form is the same. */
function sameKey(actual: XmlElement, id: string, path: string, { values }: ItemContext): true {
  const found = JSON.stringify(actual);
  const slot = `${id} ${actual.name} ${actual.attributes.type} ${found.length}`;
  const before = values.get(slot) ?? found;
  if (before !== found) differ(path, 'the key that was fetched before', 'another one');
  values.set(slot, found);
  return true;
}

const sameLength = (expected: XmlElement, actual: XmlElement): boolean =>
  expected.attributes.value?.length === actual.attributes.value?.length;

/** Each expected element must be among the others; more of them only when all were asked for. */
function compareLists(expected: XmlElement, actual: XmlElement, path: string, context: ItemContext): void {
  const left = [...actual.children];
  for (const each of expected.children) {
    const at = left.findIndex((other) => agrees(each, other, path, context));
    if (at < 0) differ(path, text(each), closest(each, left));
    compare(each, left[at]!, path, context);
    left.splice(at, 1);
  }
  if (left.length > 0 && !asksForAll(context)) differ(path, 'nothing more', left.map(text).join(' '));
}

const closest = (wanted: XmlElement, others: readonly XmlElement[]): string => {
  const name = valueAt(wanted, 'AttributeName');
  const same = others.filter((other) => other.name === wanted.name && valueAt(other, 'AttributeName') === name);
  return same.length > 0 ? same.map(text).join(' ') : 'nothing';
};

function agrees(expected: XmlElement, actual: XmlElement, path: string, context: ItemContext): boolean {
  try {
    compare(expected, actual, path, { ...context, values: new Map(context.values) });
    return true;
  } catch (error) {
    if (error instanceof Difference) return false;
    throw error;
  }
}

const asksForAll = ({ operation, request }: ItemContext): boolean =>
  operation === 'GetAttributeList' ||
  (operation === 'GetAttributes' && valueAt(request, 'RequestPayload', 'AttributeName') === undefined);

function compareQuery(expected: XmlElement, actual: XmlElement, path: string, context: ItemContext): void {
  const values = (of: XmlElement, name: string) =>
    of.children.filter((child) => child.name === name).map(({ attributes }) => attributes.value ?? '');
  const ours = new Set(values(actual, 'Operation'));
  for (const name of values(expected, 'Operation'))
    if ((baselineOperations as readonly string[]).includes(name) && !ours.has(name)) differ(path, name, 'nothing');
  const required = (each: XmlElement) => !free.has(each.name);
  const profiles = (of: XmlElement) => of.children.flatMap((child) => values(child, 'ProfileName'));
  for (const name of profiles(expected)) if (!profiles(actual).includes(name)) differ(path, name, 'nothing');
  for (const name of ['Operation', 'ObjectType', 'RNGParameters', 'CapabilityInformation'])
    if (expected.children.some((each) => each.name === name) && !actual.children.some((each) => each.name === name))
      differ(path, name, 'nothing');
  const only = (of: XmlElement): XmlElement => ({ ...of, children: of.children.filter(required) });
  compareChildren(only(expected), only(actual), path, context);
}

/** Parts of an answer to Query that say what the server is and can do. */
const free = new Set([
  'Operation',
  'ObjectType',
  'VendorIdentification',
  'ServerInformation',
  'RNGParameters',
  'ProfileInformation',
  'ExtensionInformation',
  'CapabilityInformation',
]);

function compareVersions(expected: XmlElement, actual: XmlElement, path: string, request: XmlElement): void {
  const versions = (of: XmlElement) =>
    of.children.map((each) => `${valueAt(each, 'ProtocolVersionMajor')}.${valueAt(each, 'ProtocolVersionMinor')}`);
  const named = (request.children.find(({ name }) => name === 'RequestPayload')?.children.length ?? 0) > 0;
  const [wanted, given] = [versions(expected), versions(actual)];
  const left = named ? given : given.filter((each) => wanted.includes(each));
  if (wanted.join() !== left.join()) differ(path, wanted.join(), given.join());
}
