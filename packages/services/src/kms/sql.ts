/** A value that both databases keep as it is. Numbers are whole. */
export type SqlValue = string | number | null | Uint8Array;
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** Statements of one transaction; parameters stand as `?`. */
export interface Sql {
  all(text: string, values: readonly SqlValue[]): readonly SqlRow[] | Promise<readonly SqlRow[]>;
  /** Gives the number of rows that were changed. */
  run(text: string, values: readonly SqlValue[]): number | Promise<number>;
  /** Runs `work`; when it rejects, the database is as it was before. */
  savepoint<T>(work: () => Promise<T>): Promise<T>;
}
