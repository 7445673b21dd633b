import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import sea from 'node:sea';
import { setupHost, setupPlan, teardownHost, teardownPlan } from '@vouchsafe/services/host-setup/driver';
import { type CheckLine, hostCheck } from '@vouchsafe/services/host-setup/host-check';
import type { SetupItem } from '@vouchsafe/services/host-setup/item';
import { type Format, print, say, type View } from './output.ts';

/** Text of the libvirt hook: inside a single executable, or a file of the repository. */
const libvirtHook = (): string =>
  sea.isSea()
    ? sea.getAsset('libvirt-hook', 'utf8')
    : readFileSync(resolve(import.meta.dirname, '../../../deploy/hooks/qemu'), 'utf8');

const itemView: View<SetupItem> = {
  columns: [
    ['item', ({ what }) => what],
    ['state', ({ done }) => (done ? 'as wanted' : 'TO DO')],
    ['now', ({ current }) => current],
    ['wanted', ({ wanted }) => wanted],
  ],
  name: ({ id }) => id,
  empty: 'nothing to do',
};

const checkView: View<CheckLine> = {
  columns: [
    ['', ({ status }) => status],
    ['what', ({ what }) => what],
    ['found', ({ found }) => found],
    ['what to do', ({ advice }) => advice],
  ],
  name: ({ id }) => id,
};

/** Does or undoes the preparation of this host, or with `check` says what is open; gives the exit code. */
export async function runSetup(direction: 'setup' | 'teardown', check: boolean, format: Format): Promise<number> {
  if (check) {
    const items = direction === 'setup' ? await setupPlan({ hook: libvirtHook() }) : await teardownPlan({});
    print(items, itemView, format);
    return items.every(({ done }) => done) ? 0 : 1;
  }
  const done = direction === 'setup' ? await setupHost({ hook: libvirtHook() }) : await teardownHost({});
  print(done, itemView, format);
  if (done.length > 0 && direction === 'setup') say('restart libvirtd once, so that it reads the hook and qemu.conf');
  return 0;
}

/** Says on one page whether this host can be attested; gives the exit code. */
export async function runCheck(format: Format): Promise<number> {
  const lines = await hostCheck();
  print(lines, checkView, format);
  return lines.some(({ status }) => status === 'fail') ? 1 : 0;
}
