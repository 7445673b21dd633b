import { KmipError } from '../../error.ts';

/** Refuses an answer about another object than the one asked for. */
export function expectId(operation: string, asked: string, answered: string): void {
  if (asked !== answered)
    throw new KmipError('answer.invalid', `${operation}: asked about object ${asked}, answered about another`);
}
