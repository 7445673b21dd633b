import { Problem, type ProblemKind } from '@vouchsafe/domain/problem';

/** Primary result codes of SQLite (sqlite.org/rescode.html) that mean something to the operator, and what to say. */
const faults: Readonly<Record<number, readonly [kind: ProblemKind, why: string]>> = {
  5: ['object.in-use', 'another process holds it'],
  8: ['file.unreadable', 'it cannot be written'],
  10: ['file.unreadable', 'it cannot be read or written; the disk is full or broken'],
  11: ['file.unreadable', 'it is damaged; restore it from a copy'],
  13: ['disk.full', 'there is no space for it'],
  14: ['file.unreadable', 'it cannot be opened'],
  26: ['file.unreadable', 'it is no database, or damaged; restore it from a copy'],
};

/** Runs `f`; what SQLite says of the file becomes a problem that names it. @throws {Problem} */
export function namingFile<T>(path: string, f: () => T): T {
  try {
    return f();
  } catch (cause) {
    const { errcode, message } = cause as Error & { errcode?: number };
    if (errcode === undefined) throw cause;
    const [kind, why] = faults[errcode & 0xff] ?? ['file.unreadable', message];
    throw new Problem(kind, `${path}: ${why}`, { cause });
  }
}
