import type { Action } from './item.ts';
import { names, persistentChildren } from './names.ts';
import type { HostState } from './state.ts';

interface Mount {
  readonly what: string;
  readonly where: string;
  readonly type: 'tmpfs' | 'none';
  readonly options: string;
}

/**
 * In this order: the folder's parent on disk under another name, memory over the folder, and from disk those of its children
 * that have to stay. Nothing is moved, so that taking the mounts away restores everything.
 */
export function stateMounts(state: HostState): Mount[] {
  const { stateDirectory: at, onDisk, stateParent, parentOnDisk } = names;
  const { uid, gid, mode } = state.stateDirectory ?? { uid: 0, gid: 0, mode: 0o750 };
  const owner = `mode=0${mode.toString(8)},uid=${uid},gid=${gid}`;
  return [
    // the parent, because systemd lets a mount wait for what is mounted on its source; private, because what is mounted
    // over the folder would otherwise appear in its second name too (mount_namespaces(7), shared subtrees)
    { what: stateParent, where: parentOnDisk, type: 'none', options: 'bind,private' },
    { what: 'tmpfs', where: at, type: 'tmpfs', options: `${owner},size=256m,nosuid,nodev,noexec` },
    ...persistentChildren.map((child) => ({
      what: `${onDisk}/${child}`,
      where: `${at}/${child}`,
      type: 'none' as const,
      options: 'bind',
    })),
  ];
}

/** systemd.unit(5): `/` as `-`, every other byte outside letters, digits, `:`, `_` and `.` as `\xXX`. */
export const unitPath = (where: string): string =>
  `${names.units}/${where
    .slice(1)
    .replace(/[^\w:./]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
    .replaceAll('/', '-')}.mount`;

/** Unit files by path: one a mount, each after the one before, and a drop-in that makes libvirtd wait for them. */
export function mountUnits(state: HostState): Record<string, string> {
  const mounts = stateMounts(state);
  const unit = ({ what, where, type, options }: Mount, at: number) => {
    const before = mounts[at - 1];
    const order = before === undefined ? '' : `Requires=${file(before.where)}\nAfter=${file(before.where)}\n`;
    return `[Unit]
Description=Runtime state of guests in memory (vouchsafe host setup)
Before=libvirtd.service virtqemud.service
${order}
[Mount]
What=${what}
Where=${where}
Type=${type}
Options=${options}

[Install]
WantedBy=multi-user.target
`;
  };
  const last = file(mounts.at(-1)!.where);
  return {
    ...Object.fromEntries(mounts.map((mount, at) => [unitPath(mount.where), unit(mount, at)])),
    [names.libvirtdDropIn]: `[Unit]\nRequires=${last}\nAfter=${last}\n`,
  };
}

const file = (where: string): string => unitPath(where).slice(names.units.length + 1);

/** Folders below the mounts, which have to be there first. */
const folders = (state: HostState): Action[] =>
  persistentChildren.flatMap((child) => [
    { do: 'directory', path: `${names.onDisk}/${child}` } as const,
    { do: 'directory', path: `${names.stateDirectory}/${child}` } as const,
    ...ownerOf(state, `${names.onDisk}/${child}`),
  ]);

const ownerOf = (state: HostState, path: string): Action[] =>
  state.stateDirectory === undefined
    ? []
    : [{ do: 'command', argv: ['chown', `${state.stateDirectory.uid}:${state.stateDirectory.gid}`, path] }];

/** Mounts by hand, where no systemd runs. Folders are made as soon as what they lie in is mounted. */
export function mountByHand(state: HostState): Action[] {
  const [disk, memory, ...children] = stateMounts(state).map(
    ({ what, where, type, options }): Action => ({
      do: 'command',
      argv: ['mount', '-t', type, '-o', options, what, where],
    }),
  );
  return [
    { do: 'directory', path: names.stateDirectory },
    { do: 'directory', path: names.parentOnDisk },
    disk!,
    memory!,
    ...folders(state),
    ...children,
  ];
}

/** systemd makes mount points itself, but not what is bound: the folders on disk are made before anything is mounted. */
export function mountBySystemd(state: HostState): Action[] {
  const units = Object.entries(mountUnits(state));
  const wanted = stateMounts(state).map(({ where }) => file(where));
  return [
    ...persistentChildren.flatMap((child): Action[] => [
      { do: 'directory', path: `${names.stateDirectory}/${child}` },
      ...ownerOf(state, `${names.stateDirectory}/${child}`),
    ]),
    ...units.map(([path, content]): Action => ({ do: 'write', path, mode: 0o644, content })),
    { do: 'command', argv: ['systemctl', 'daemon-reload'] },
    { do: 'command', argv: ['systemctl', 'enable', '--now', ...wanted] },
  ];
}

/** Takes away what is mounted, the last first. */
export function unmount(state: HostState): Action[] {
  const mounted = stateMounts(state)
    .toReversed()
    .filter(({ where }) => state.mounts.has(where));
  if (!state.systemd) return mounted.map(({ where }): Action => ({ do: 'command', argv: ['umount', where] }));
  const units = Object.keys(mountUnits(state)).filter((path) => state.files[path] !== undefined);
  const mounts = units.filter((path) => path.endsWith('.mount')).map((path) => path.slice(names.units.length + 1));
  return [
    ...(mounts.length > 0
      ? [{ do: 'command', argv: ['systemctl', 'disable', '--now', ...mounts.toReversed()] } as const]
      : []),
    ...units.map((path): Action => ({ do: 'remove', path })),
    { do: 'command', argv: ['systemctl', 'daemon-reload'] },
  ];
}
