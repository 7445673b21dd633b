/** One step that changes the host. Paths are as the host sees them. */
export type Action =
  | { readonly do: 'write'; readonly path: string; readonly mode: number; readonly content: string }
  /** A file, or a folder with all that is in it. */
  | { readonly do: 'remove'; readonly path: string }
  | { readonly do: 'directory'; readonly path: string }
  /** Owner of a folder and of everything in it. */
  | { readonly do: 'owner'; readonly path: string; readonly owner: string }
  | { readonly do: 'command'; readonly argv: readonly [string, ...string[]] };

/** One thing that a host needs, with what is there and what to do about it. */
export interface SetupItem {
  readonly id: 'users' | 'hook' | 'qemu.conf' | 'swtpm-files' | 'udev' | 'state-directory';
  /** What it is, in a few words. */
  readonly what: string;
  /** What goes wrong without it. */
  readonly why: string;
  readonly current: string;
  readonly wanted: string;
  /** Whether nothing needs to be done. */
  readonly done: boolean;
  readonly actions: readonly Action[];
}

/** Why a host cannot be changed now. */
export type HostSetupErrorCode = 'not-root' | 'no-libvirt' | 'guests-running' | 'command-failed' | 'record-invalid';

/** A host that cannot be set up, and what to do. */
export class HostSetupError extends Error {
  override readonly name = 'HostSetupError';
  readonly code: HostSetupErrorCode;

  constructor(code: HostSetupErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
