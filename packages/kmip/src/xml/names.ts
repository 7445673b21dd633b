import { enumerations, masks } from '../enums.ts';
import { tags } from '../tags.ts';

/**
 * A name of the standard as it stands in XML (KMIP Profiles 2.1, 5.4.1.3; Additional Message Encodings 1.0, 4.1.3):
 * `IV/Counter/Nonce` becomes `IVCounterNonce`, `SHA-256` `SHA_256`, `3DES` `DES3`.
 */
export const normalName = (name: string): string =>
  name
    .replace(/[()]/g, ' ')
    .replace(/\W(?=[A-Za-z][a-z])/g, ' ')
    .replace(/[^\w\s]/g, '_')
    .trim()
    .replace(/^(\d+)(\S*)/, '$2$1')
    .split(/\s+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

/** Names both ways, for a table of numbers. */
interface Names {
  readonly toNumber: ReadonlyMap<string, number>;
  readonly toName: ReadonlyMap<number, string>;
}

function names(table: Readonly<Record<string, number>>): Names {
  const pairs = Object.entries(table).map(([name, number]) => [normalName(name), number] as const);
  return { toNumber: new Map(pairs), toName: new Map(pairs.map(([name, number]) => [number, name])) };
}

/** Elements and the tags they stand for. */
export const elementNames: Names = names(tags);

const tables = new Map<string, Names>();

function namesOf(all: Readonly<Record<string, Readonly<Record<string, number>>>>, of: string): Names | undefined {
  const table = Object.hasOwn(all, of) ? all[of] : undefined;
  if (table === undefined) return undefined;
  const known = tables.get(of) ?? names(table);
  tables.set(of, known);
  return known;
}

/** The names of the values that stand under a tag or are those of an attribute. */
export const enumerationNames = (of: string): Names | undefined =>
  of === 'Attribute Reference' ? elementNames : namesOf(enumerations, of);
/** The names of the bits of a mask. */
export const maskNames = (of: string): Names | undefined => namesOf(masks, of);
