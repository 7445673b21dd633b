import { KmipError } from '../../error.ts';

/** Refuses an answer about another object than the one asked for. */
export function expectId(operation: string, asked: string, answered: string): void {
  if (asked !== answered)
    throw new KmipError('answer.invalid', `${operation}: asked about object ${asked}, answered about another`);
}

/** Refuses the id of a new object when it is none, or that of an old one. */
export function expectNew(operation: string, id: string, old?: string): void {
  if (id === '') throw new KmipError('answer.invalid', `${operation}: the new object has no id`);
  if (id === old) throw new KmipError('answer.invalid', `${operation}: the new object has the id of the old one`);
}
