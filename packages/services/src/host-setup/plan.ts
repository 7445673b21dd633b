import { type Action, HostSetupError, type SetupItem } from './item.ts';
import { names, udevRule } from './names.ts';
import { setting, withoutSettings, withSettings } from './settings.ts';
import type { HostState } from './state.ts';
import { mountByHand, mountBySystemd, mountUnits, stateMounts, unmount } from './state-mounts.ts';

/** What setup found, so that teardown puts back what was there. */
export interface SetupRecord {
  readonly v: 1;
  /** Users and groups that setup made. */
  readonly made: readonly string[];
  /** Former owners of folders, as `user:group`. */
  readonly owners: Readonly<Record<string, string>>;
}

const swtpmSettings = { swtpm_user: names.swtpmUser, swtpm_group: names.swtpmUser } as const;

/** Paths whose content a plan looks at. */
export const plannedPaths = (state?: HostState): string[] => [
  names.hook,
  names.qemuConf,
  names.udevRule,
  names.record,
  ...(state === undefined ? [] : Object.keys(mountUnits(state))),
];

/**
 * What this host needs, in the order in which it is to be done. Items that are done have no actions.
 * @param hook text of the libvirt hook
 * @throws {HostSetupError} `no-libvirt`
 */
export function planSetup(state: HostState, hook: string): SetupItem[] {
  if (!state.libvirt)
    throw new HostSetupError('no-libvirt', '/etc/libvirt is missing: install libvirt-daemon-system first');
  return [users(state), hookItem(state, hook), udev(state), qemuConf(state), swtpmFiles(state), stateDirectory(state)];
}

/** What to take away again, in reverse order. */
export function planTeardown(state: HostState, record: SetupRecord): SetupItem[] {
  const undone = (item: SetupItem, actions: readonly Action[]): SetupItem => ({
    ...item,
    wanted: 'as before setup',
    done: actions.length === 0,
    actions,
  });
  const conf = state.files[names.qemuConf];
  const before = conf === undefined ? undefined : withoutSettings(conf);
  return [
    undone(stateDirectory(state, false), unmountActions(state)),
    undone(swtpmFiles(state), ownersBack(state, record)),
    undone(
      qemuConf(state),
      before === conf || before === undefined
        ? []
        : [{ do: 'write', path: names.qemuConf, mode: 0o600, content: before }],
    ),
    undone(
      udev(state),
      state.files[names.udevRule] === undefined
        ? []
        : [{ do: 'remove', path: names.udevRule }, ...(state.systemd ? reloadUdev : [])],
    ),
    undone(hookItem(state, ''), state.files[names.hook] === undefined ? [] : [{ do: 'remove', path: names.hook }]),
    undone(
      users(state),
      record.made.flatMap((name) => removal(state, name)),
    ),
  ];
}

/** What teardown has to know, from the state before setup; a record that is there stays true. */
export function recordOf(state: HostState, earlier: SetupRecord | undefined): SetupRecord {
  if (earlier !== undefined) return earlier;
  const made = [names.tpmGroup, names.swtpmUser].filter((name) => !state.groups.has(name) && !state.users.has(name));
  const owners = Object.entries(state.owners).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { v: 1, made, owners: Object.fromEntries(owners) };
}

function users(state: HostState): SetupItem {
  const group: Action[] = state.groups.has(names.tpmGroup)
    ? []
    : [{ do: 'command', argv: ['groupadd', '--system', names.tpmGroup] }];
  const shell = ['--no-create-home', '--shell', '/usr/sbin/nologin'];
  const user: Action[] = state.users.has(names.swtpmUser)
    ? []
    : [{ do: 'command', argv: ['useradd', '--system', '--user-group', ...shell, names.swtpmUser] }];
  return item('users', {
    what: `group ${names.tpmGroup} and user ${names.swtpmUser}`,
    why: 'whoever breaks out of a guest into its TPM emulator must not reach the TPM of the host',
    current: group.length + user.length === 0 ? 'both there' : 'missing',
    wanted: 'both there',
    actions: [...group, ...user],
  });
}

const removal = (state: HostState, name: string): Action[] =>
  state.users.has(name)
    ? [{ do: 'command', argv: ['userdel', name] }]
    : state.groups.has(name)
      ? [{ do: 'command', argv: ['groupdel', name] }]
      : [];

function hookItem(state: HostState, hook: string): SetupItem {
  const found = state.files[names.hook];
  const right = found === hook && state.hookMode === 0o755;
  return item('hook', {
    what: `libvirt hook ${names.hook}`,
    why: 'without it libvirt starts guests without asking for their keys, and they fail',
    current: found === undefined ? 'missing' : right ? 'installed' : 'differs',
    wanted: 'installed; restart libvirtd once when it had no hook before',
    actions: right ? [] : [{ do: 'write', path: names.hook, mode: 0o755, content: hook }],
  });
}

const reloadUdev: Action[] = [
  { do: 'command', argv: ['udevadm', 'control', '--reload'] },
  { do: 'command', argv: ['udevadm', 'trigger', '--subsystem-match=tpm', '--subsystem-match=tpmrm'] },
];

function udev(state: HostState): SetupItem {
  const right = state.files[names.udevRule] === udevRule;
  return item('udev', {
    what: `udev rule ${names.udevRule}`,
    why: 'distributions give the TPM to the group under which the TPM emulators of guests run',
    current: right ? 'installed' : 'missing',
    wanted: `/dev/tpmrm* for group ${names.tpmGroup} only`,
    actions: right
      ? []
      : [{ do: 'write', path: names.udevRule, mode: 0o644, content: udevRule }, ...(state.systemd ? reloadUdev : [])],
  });
}

function qemuConf(state: HostState): SetupItem {
  const text = state.files[names.qemuConf] ?? '';
  const user = setting(text, 'swtpm_user');
  const wanted = withSettings(text, swtpmSettings);
  return item('qemu.conf', {
    what: `swtpm_user and swtpm_group in ${names.qemuConf}`,
    why: 'whoever breaks out of a guest into its TPM emulator must not reach the TPM of the host',
    current: user ?? 'unset, which means tss',
    wanted: `${names.swtpmUser}; restart libvirtd`,
    actions: text === wanted ? [] : [{ do: 'write', path: names.qemuConf, mode: 0o600, content: wanted }],
  });
}

function swtpmFiles(state: HostState): SetupItem {
  const wrong = ownedBy(state, (user) => user !== names.swtpmUser);
  return item('swtpm-files', {
    what: `owner of ${names.localCa} and of the TPMs of guests`,
    why: 'the TPM emulators could not open what belongs to another user',
    current: wrong.length === 0 ? names.swtpmUser : wrong.map((path) => `${path}: ${state.owners[path]}`).join(', '),
    wanted: names.swtpmUser,
    actions: wrong.map((path) => ({ do: 'owner', path, owner: `${names.swtpmUser}:${names.swtpmUser}` })),
  });
}

/** Guests that came after setup get the owner that the certificate authority had before. */
const ownersBack = (state: HostState, record: SetupRecord): Action[] =>
  ownedBy(state, (user) => user === names.swtpmUser).flatMap((path) => {
    const owner = record.owners[path] ?? record.owners[names.localCa];
    return owner === undefined ? [] : [{ do: 'owner', path, owner } as const];
  });

const ownedBy = (state: HostState, test: (user: string) => boolean): string[] =>
  Object.entries(state.owners).flatMap(([path, owner]) =>
    owner !== undefined && test(owner.split(':')[0]!) ? [path] : [],
  );

function stateDirectory(state: HostState, toMount = true): SetupItem {
  const missing = stateMounts(state).filter(({ where }) => !state.mounts.has(where));
  const units = Object.entries(mountUnits(state)).filter(([path, text]) => state.systemd && state.files[path] !== text);
  const done = missing.length === 0 && units.length === 0;
  return item('state-directory', {
    what: `memory over ${names.stateDirectory}`,
    why: 'libvirt writes keys of running guests there; on disk they outlive a power loss',
    current: state.mounts.get(names.stateDirectory) ?? 'on disk',
    wanted: 'tmpfs, with what has to stay bound back from disk',
    actions:
      done || !toMount ? [] : [...leftOver(state), ...(state.systemd ? mountBySystemd(state) : mountByHand(state))],
  });
}

/** Keys that a power loss left on disk. */
const leftOver = (state: HostState): Action[] =>
  state.mounts.has(names.stateDirectory)
    ? []
    : state.guestFolders.map((folder) => ({ do: 'remove', path: `${names.stateDirectory}/${folder}` }));

function unmountActions(state: HostState): readonly Action[] {
  const mounted = stateMounts(state).some(({ where }) => state.mounts.has(where));
  const units = Object.keys(mountUnits(state)).some((path) => state.files[path] !== undefined);
  return mounted || units ? unmount(state) : [];
}

/**
 * Mounting and unmounting takes the sockets of running guests out of libvirt's sight.
 * @throws {HostSetupError} `guests-running`
 */
export function refuseGuests(state: HostState, items: readonly SetupItem[]): void {
  const mounts = items.some(({ id, done }) => id === 'state-directory' && !done);
  if (mounts && state.guests.length > 0)
    throw new HostSetupError(
      'guests-running',
      `guests are running (${state.guests.join(', ')}): shut them down or migrate them first`,
    );
}

function item(id: SetupItem['id'], rest: Omit<SetupItem, 'id' | 'done'>): SetupItem {
  return { id, ...rest, done: rest.actions.length === 0 };
}
