import type { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import { Problem } from '@vouchsafe/domain/problem';
import type { ShownPending } from '@vouchsafe/services/attestd/registry/pending-host';
import type { Command } from 'commander';
import { callPart, globalsOf } from '../context.ts';
import { readInput } from '../files.ts';
import { type Entry, inventoryProblem, maxInventory, type Placed, readInventory } from '../inventory.ts';
import { print, say } from '../output.ts';
import { pendingView, rowView } from './views.ts';

const path = '/attestation/tpm2/endorsement-keys';

interface Approved {
  readonly approved: readonly HostRecord[];
  readonly unchanged: number;
}

/** Approves the endorsement keys of an inventory, all or none. @throws {Problem} naming every line that is wrong */
export async function approveFile(
  command: Command,
  file: string,
  scope: string | undefined,
  dryRun: boolean,
): Promise<void> {
  const text = new TextDecoder().decode(readInput(file, maxInventory));
  const placed = readInventory(text, file);
  const entries = placed.map(({ entry }) => (scope === undefined ? entry : { scope, ...entry }));
  await approveEntries(command, entries, dryRun, (error) => withPlaces(error, file, placed));
}

/** Approves all TPMs that wait and whose TPM was not revoked, as they are listed at this moment. */
export async function approvePending(command: Command, scope: string, yes: boolean): Promise<void> {
  const waiting = (await callPart(command, 'attestd', 'GET', `${path}/pending`)) as ShownPending[];
  const refused = waiting.filter(({ same_tpm_as: same }) => same?.state === 'revoked');
  const chosen = waiting.filter((each) => !refused.includes(each));
  for (const { ek, same_tpm_as: same } of refused)
    say(`left out: ${ek} is the TPM of host ${same?.name}, which was revoked`);
  if (chosen.length === 0) return say('no TPM waits for approval');
  if (!yes) {
    print(chosen, pendingView, globalsOf(command).output);
    throw new Problem(
      'usage.invalid',
      `nothing was approved: look at these ${chosen.length} TPMs, then repeat with --yes`,
    );
  }
  // Exactly those that were looked up: what comes meanwhile is nobody's decision.
  await approveEntries(
    command,
    chosen.map((each) => entryOf(each, scope)),
    false,
  );
}

/** A key of a TPM that is known goes to its host; others get a name that can be changed by `host rename`. */
const entryOf = ({ ek, same_tpm_as: same }: ShownPending, scope: string): Omit<Entry, 'name'> & { name?: string } =>
  same === undefined ? { ek, name: `ek-${ek.slice(0, 16)}`, scope } : { ek };

async function approveEntries(
  command: Command,
  entries: readonly object[],
  dryRun: boolean,
  explain: (error: unknown) => unknown = (error) => error,
): Promise<void> {
  try {
    const body = { entries, dry_run: dryRun };
    const { approved, unchanged } = (await callPart(command, 'attestd', 'POST', `${path}/approvals`, body)) as Approved;
    print(approved, { ...rowView, empty: 'nothing to do' }, globalsOf(command).output);
    const what = dryRun ? 'would be approved' : 'approved';
    say(`${approved.length} ${what}, ${unchanged} were so already`);
  } catch (error) {
    throw explain(error);
  }
}

/** The service counts entries; people count lines. */
function withPlaces(error: unknown, file: string, placed: readonly Placed[]): unknown {
  const { faults } = (error instanceof Problem ? error.data : {}) as { faults?: { entry: number; message: string }[] };
  if (faults === undefined) return error;
  const told = faults.map(({ entry, message }) => ({ place: placed[entry]?.place ?? `entry ${entry + 1}`, message }));
  return inventoryProblem(file, told);
}
