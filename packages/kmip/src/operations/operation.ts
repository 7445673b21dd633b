import type { operation } from '../enums.ts';
import type { Item } from '../ttlv/item.ts';
import { rankOfNumbers } from '../ttlv/vocabulary.ts';

/** The name of an operation, spelled as KMIP 1.4, 9.1.3.2.27 spells it. */
export type OperationName = keyof typeof operation;

/** The version that brought or dropped something. */
interface Version {
  readonly major: number;
  readonly minor: number;
}

/** An operation as a table: what is asked, what is answered, from which version on. */
export interface Operation<Request, Response> {
  readonly name: OperationName;
  readonly request: Item<Request>;
  readonly response: Item<Response>;
  /** The first version that has it. */
  readonly since: Version;
  /** Doing it twice does no more than doing it once, so that a lost answer may be asked for again. */
  readonly repeatable: boolean;
}

export const declare = <Request, Response>(of: Operation<Request, Response>): Operation<Request, Response> => of;

/** Whether a version has an operation. */
export const hasOperation = (of: { readonly since: Version }, { major, minor }: Version): boolean =>
  rankOfNumbers(of.since.major, of.since.minor) <= rankOfNumbers(major, minor);

/** What an operation is asked. */
export type RequestOf<O> = O extends Operation<infer R, infer _> ? R : never;
/** What an operation answers. */
export type ResponseOf<O> = O extends Operation<infer _, infer R> ? R : never;

export { uniqueIdentifier } from '../unique-identifier.ts';
