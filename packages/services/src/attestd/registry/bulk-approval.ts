import type { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import { Problem } from '@vouchsafe/domain/problem';
import { type Act, approvalOf, isUnchanged, type Wish } from './approval.ts';
import type { RegistryIndex } from './registry-index.ts';

/** What a list of approvals comes to. */
export interface BulkApproval {
  /** Rows to write; those that say nothing new are not among them. */
  readonly rows: readonly HostRecord[];
  readonly unchanged: number;
}

/** One entry of a list that cannot be approved: where it stands, from 0, and why. */
export interface EntryFault {
  readonly entry: number;
  readonly message: string;
}

/** Faults that the text of the error names; all of them are in its data. */
const named = 5;

/**
 * The rows that approve a list of endorsement keys, all or none. Keys that stand under one name in the list are keys of
 * one host: whoever made the list says so.
 * @throws {Problem} `input.invalid` with every entry that is wrong, in `data.faults`
 */
export function bulkApprovalOf(index: RegistryIndex, wishes: readonly (() => Wish)[], act: Act): BulkApproval {
  const rows: HostRecord[] = [];
  const faults: EntryFault[] = [];
  const entryOfEk = new Map<string, number>();
  const names = new Set<string>();
  let unchanged = 0;
  for (const [entry, read] of wishes.entries()) {
    try {
      const wish = read();
      const twin = entryOfEk.get(wish.ek);
      if (twin !== undefined) throw new Problem('object.exists', `the same endorsement key stands in entry ${twin}`);
      entryOfEk.set(wish.ek, entry);
      const before = index.row(wish.ek);
      const row = approvalOf(index, { ...wish, link: wish.link || names.has(wish.name ?? '') }, act);
      names.add(row.name);
      index.add(row);
      if (isUnchanged(before, row)) unchanged++;
      else rows.push(row);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      faults.push({ entry, message: error.message });
    }
  }
  if (faults.length > 0) throw refusal(faults);
  return { rows, unchanged };
}

function refusal(faults: readonly EntryFault[]): Problem {
  const more = faults.length > named ? `; and ${faults.length - named} more` : '';
  const told = faults.slice(0, named).map(({ entry, message }) => `entries[${entry}]: ${message}`);
  return new Problem('input.invalid', `${told.join('; ')}${more}; nothing was approved`, { data: { faults } });
}
