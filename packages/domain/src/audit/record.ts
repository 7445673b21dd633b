import { createHash } from 'node:crypto';
import Type from 'typebox';
import { jsonReader } from '../parse.ts';
import { Problem } from '../problem.ts';
import type { AuditAction } from './events.ts';

const Subject = Type.Object({ kind: Type.String(), id: Type.String() });

/** One line of an audit file, the same for all parts. `prev` chains it to the line before. */
export const AuditRecord = Type.Object(
  {
    /** Counts from 1 without gaps. */
    seq: Type.Integer({ minimum: 1 }),
    /** base64url(SHA-256) of the line before, without its line end; of nothing for the first. */
    prev: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
    /** ISO 8601, UTC, milliseconds. */
    time: Type.String(),
    part: Type.String(),
    action: Type.String(),
    actor: Subject,
    target: Subject,
    outcome: Type.Union([Type.Literal('success'), Type.Literal('failure')]),
    /** Kind of the problem when the outcome is failure. */
    problem: Type.Optional(Type.String()),
    detail: Type.Record(Type.String(), Type.Unknown()),
  },
  { additionalProperties: false },
);
export type AuditRecord = Type.Static<typeof AuditRecord>;

/** What a part says; sequence, chain and time are added by the chain. */
export type AuditEntry = Omit<AuditRecord, 'seq' | 'prev' | 'time' | 'part' | 'action'> & {
  readonly action: AuditAction;
};

export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

const hashOf = (line: string): string => createHash('sha256').update(line).digest('base64url');

export const emptyChain: ChainHead = { seq: 0, hash: hashOf('') };

/** The next line of a chain, without its line end, and the head after it. */
export function chain(head: ChainHead, part: string, time: Date, entry: AuditEntry): { line: string; head: ChainHead } {
  const record: AuditRecord = { seq: head.seq + 1, prev: head.hash, time: time.toISOString(), part, ...entry };
  const line = JSON.stringify(record);
  return { line, head: { seq: record.seq, hash: hashOf(line) } };
}

const read = jsonReader('audit record', AuditRecord);

/**
 * The head after one more line.
 * @throws {Problem} `audit.broken` when the line does not continue the chain
 */
export function follow(head: ChainHead, line: string): { record: AuditRecord; head: ChainHead } {
  const record = readLine(head.seq + 1, line);
  if (record.seq !== head.seq + 1)
    throw broken(head.seq + 1, `its number is ${record.seq}: a record is missing or was added`);
  if (record.prev !== head.hash) throw broken(record.seq, 'the record before it was changed');
  return { record, head: { seq: record.seq, hash: hashOf(line) } };
}

/**
 * The head that a line leaves behind, without looking at what came before it.
 * @throws {Problem} `audit.broken` when the line is no record
 */
export const headAt = (line: string): ChainHead => ({ seq: readLine(undefined, line).seq, hash: hashOf(line) });

/** Checks a whole chain from its start. @throws {Problem} `audit.broken` naming the first bad record */
export function verifyChain(lines: Iterable<string>): ChainHead {
  let head = emptyChain;
  for (const line of lines) head = follow(head, line).head;
  return head;
}

function readLine(seq: number | undefined, line: string): AuditRecord {
  try {
    return read(line);
  } catch (cause) {
    throw broken(seq, (cause as Error).message, cause);
  }
}

const broken = (seq: number | undefined, why: string, cause?: unknown): Problem =>
  new Problem('audit.broken', `${seq === undefined ? 'last record' : `record ${seq}`}: ${why}`, { cause });
