import { timingSafeEqual } from 'node:crypto';

/** Equality of two byte strings in time that depends on their length only. */
export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b);
