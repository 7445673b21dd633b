import { execFile } from 'node:child_process';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Action, HostSetupError, type SetupItem } from './item.ts';
import { names } from './names.ts';
import { plannedPaths, planSetup, planTeardown, recordOf, refuseGuests, type SetupRecord } from './plan.ts';
import { type HostState, readHostState } from './state.ts';

export interface HostSetupOptions {
  /** Root directory of the host; `/` unless in a test. */
  readonly root?: string;
  /** Text of the libvirt hook. */
  readonly hook: string;
  /** Runs a command; the default runs it on this host. @throws when it fails */
  readonly run?: (argv: readonly [string, ...string[]]) => Promise<void>;
}

/** What setup would do. Changes nothing. @throws {HostSetupError} */
export async function setupPlan({ root = '/', hook }: HostSetupOptions): Promise<SetupItem[]> {
  return planSetup(await state(root), hook);
}

/** Prepares the host; what is there already stays as it is. @returns what was done @throws {HostSetupError} */
export async function setupHost(options: HostSetupOptions): Promise<SetupItem[]> {
  const { root = '/', hook } = options;
  const before = await state(root);
  const items = planSetup(before, hook).filter(({ done }) => !done);
  if (items.length === 0) return [];
  refuseGuests(before, items);
  const record = recordOf(before, await readRecord(root));
  await apply({ do: 'write', path: names.record, mode: 0o600, content: `${JSON.stringify(record)}\n` }, options);
  await applyAll(items, options);
  return items;
}

/** What teardown would do. Changes nothing. @throws {HostSetupError} */
export async function teardownPlan({ root = '/' }: Omit<HostSetupOptions, 'hook'>): Promise<SetupItem[]> {
  return planTeardown(await state(root), (await readRecord(root)) ?? noRecord);
}

/** Takes everything away that setup made, and puts back what was there. @throws {HostSetupError} */
export async function teardownHost(options: Omit<HostSetupOptions, 'hook'>): Promise<SetupItem[]> {
  const { root = '/' } = options;
  const record = await readRecord(root);
  const before = await state(root);
  const items = planTeardown(before, record ?? noRecord).filter(({ done }) => !done);
  if (record === undefined && items.length === 0) return [];
  refuseGuests(before, items);
  await applyAll(items, options);
  await apply({ do: 'remove', path: names.record }, options);
  return items;
}

const noRecord: SetupRecord = { v: 1, made: [], owners: {} };

async function state(root: string): Promise<HostState> {
  const first = await readHostState(root, plannedPaths());
  return { ...first, files: (await readHostState(root, plannedPaths(first))).files };
}

async function readRecord(root: string): Promise<SetupRecord | undefined> {
  const text = (await readHostState(root, [names.record])).files[names.record];
  if (text === undefined) return undefined;
  try {
    const record = JSON.parse(text) as SetupRecord;
    if (record.v !== 1 || !Array.isArray(record.made) || typeof record.owners !== 'object')
      throw new TypeError('not a record');
    return record;
  } catch (cause) {
    throw new HostSetupError('record-invalid', `${names.record}: not the record of a setup; move it away`, { cause });
  }
}

async function applyAll(items: readonly SetupItem[], options: Omit<HostSetupOptions, 'hook'>): Promise<void> {
  for (const { actions } of items) for (const action of actions) await apply(action, options);
}

async function apply(action: Action, { root = '/', run = runHere }: Omit<HostSetupOptions, 'hook'>): Promise<void> {
  if (action.do === 'command') return run(action.argv);
  const path = join(root, action.path);
  if (action.do === 'owner') return run(['chown', '-R', action.owner, path]);
  try {
    if (action.do === 'write') await replace(path, action.content, action.mode);
    else if (action.do === 'remove') await rm(path, { force: true, recursive: true });
    else await mkdir(path, { recursive: true });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EACCES')
      throw new HostSetupError('not-root', `${action.path}: permission denied: run this as root`, { cause });
    throw cause;
  }
}

/** Whole or not at all: a reader sees the old file or the new one. */
async function replace(path: string, content: string, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, content, { mode });
  await chmod(`${path}.new`, mode);
  await rename(`${path}.new`, path);
}

async function runHere([program, ...args]: readonly [string, ...string[]]): Promise<void> {
  try {
    await promisify(execFile)(program, args);
  } catch (cause) {
    const said = (cause as { stderr?: string }).stderr?.trim() || (cause as Error).message;
    throw new HostSetupError('command-failed', `${program} ${args.join(' ')}: ${said}`, { cause });
  }
}
