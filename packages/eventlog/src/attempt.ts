import { DecodeError } from '@vouchsafe/bytes/reader';

/** The value of `f`, or undefined when the bytes that it decodes are not what they ought to be. */
export function attempt<T>(f: () => T): T | undefined {
  try {
    return f();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
