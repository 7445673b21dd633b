/** How the length of a value is bound to its type. */
interface ItemTypeFacts {
  readonly code: number;
  /** The only length of the value in octets, before padding. */
  readonly length?: number;
  /** The length must be a multiple of this. */
  readonly multiple?: number;
}

/** KMIP 1.4, 9.1.1.2, table 284: the types of items and the lengths of their values. */
export const itemTypes = {
  Structure: { code: 1, multiple: 8 },
  Integer: { code: 2, length: 4 },
  'Long Integer': { code: 3, length: 8 },
  'Big Integer': { code: 4, multiple: 8 },
  Enumeration: { code: 5, length: 4 },
  Boolean: { code: 6, length: 8 },
  'Text String': { code: 7 },
  'Byte String': { code: 8 },
  'Date-Time': { code: 9, length: 8 },
  Interval: { code: 10, length: 4 },
  /** Since 2.0: microseconds. */
  'Date-Time Extended': { code: 11, length: 8 },
} as const satisfies Record<string, ItemTypeFacts>;

/** A type, spelled as the standard spells it. */
export type ItemTypeName = keyof typeof itemTypes;

/** Names and facts by code. */
export const byCode: readonly (({ readonly name: ItemTypeName } & ItemTypeFacts) | undefined)[] = (() => {
  const table: ({ name: ItemTypeName } & ItemTypeFacts)[] = [];
  for (const [name, facts] of Object.entries(itemTypes)) table[facts.code] = { name: name as ItemTypeName, ...facts };
  return table;
})();

/** The name of a type code, for messages. */
export const typeName = (code: number): string => byCode[code]?.name ?? `type 0x${code.toString(16).padStart(2, '0')}`;
