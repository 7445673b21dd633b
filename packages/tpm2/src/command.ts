import type { Codec, Infer } from '@vouchsafe/bytes/codec';

/**
 * A command of Part 3 as a table: what goes into its handle and parameter areas, what comes back.
 *
 * `handles` are spelt as in Part 3; an `@` means that the handle needs an authorization.
 */
export interface Command<In = unknown, Out = unknown> {
  readonly name: string;
  readonly code: number;
  readonly handles: readonly string[];
  readonly parameters: Codec<In>;
  /** Whether the response begins with the handle of something that was made. */
  readonly makes: boolean;
  readonly results: Codec<Out>;
}

/** What a command takes. */
export type Parameters<C> = C extends Command<infer In, unknown> ? In : never;
/** What a command yields. */
export type Results<C> = C extends Command<unknown, infer Out> ? Out : never;

/** Declares a command. */
export function command<In extends Codec<unknown>, Out extends Codec<unknown>>(facts: {
  name: string;
  code: number;
  handles?: readonly string[];
  parameters: In;
  makes?: boolean;
  results: Out;
}): Command<Infer<In>, Infer<Out>> {
  return { handles: [], makes: false, ...facts } as unknown as Command<Infer<In>, Infer<Out>>;
}

/** How many of the handles need an authorization. */
export const authorizations = (of: Pick<Command, 'handles'>): number =>
  of.handles.filter((handle) => handle.startsWith('@')).length;
