/** A parser under fuzz: what it is fed with, and how it may say no. */
export interface Target {
  readonly name: string;
  readonly samples: readonly Uint8Array[];
  /** Words of the format, put in at random places. */
  readonly words?: readonly Uint8Array[];
  /** Reads one input as the product does. What it throws is judged by `refuses`. */
  readonly run: (bytes: Uint8Array) => unknown;
  /** Whether an error is a declared way to refuse an input; anything else is a defect. */
  readonly refuses: (error: unknown) => boolean;
}

/** A file of targets: its samples are made when they are needed, since some take a while. */
export type MakeTargets = () => Promise<readonly Target[]> | readonly Target[];

/** Errors of any of these classes. */
export const oneOfClasses =
  (...classes: readonly (abstract new (...args: never[]) => Error)[]) =>
  (error: unknown): boolean =>
    classes.some((each) => error instanceof each);

export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
export const bytesOf = (words: string): Uint8Array => new TextEncoder().encode(words);
export const json = (value: unknown): Uint8Array => bytesOf(JSON.stringify(value));
export const wordsOf = (...words: readonly string[]): Uint8Array[] => words.map(bytesOf);

/** What breaks readers of JSON: brackets, names that objects have by birth, numbers and strings at their limits. */
export const jsonWords = wordsOf(
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  'null',
  '-0',
  '1e999',
  '9007199254740993',
  '"__proto__":{},',
  '"constructor":1,',
  '\\u0000',
  '\\ud800',
  '[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[',
);
