/** Why a call to libvirt failed: by whom or where. */
export type LibvirtErrorKind =
  /** No daemon answers at the socket. */
  | 'unreachable'
  /** The daemon wants a password or polkit. */
  | 'authentication'
  /** No answer before the deadline. The connection is closed, since the call may still take effect. */
  | 'deadline'
  /** The connection ended before the answer. */
  | 'closed'
  /** What came is not libvirt's protocol. */
  | 'protocol'
  /** libvirt answered with an error; `code` and `domain` say which. */
  | 'refused';

/** Error codes of libvirt that callers tell apart (virterror.h, virErrorNumber). */
export const libvirtCodes = {
  noDomain: 42,
  authFailed: 45,
  noSecret: 66,
  noDomainMetadata: 80,
  accessDenied: 88,
} as const;

const advices: Readonly<Record<LibvirtErrorKind, string>> = {
  unreachable: 'check that libvirtd runs and that this process may use its socket',
  authentication: 'run as root, or allow this user in libvirtd.conf',
  deadline: 'libvirtd is busy or still starting; try again, and look into its log',
  closed: 'libvirtd was restarted or stopped; connect again',
  protocol: 'check that the socket belongs to libvirtd',
  refused: 'see the message of libvirt',
};

/** A call to libvirt that failed. */
export class LibvirtError extends Error {
  override readonly name = 'LibvirtError';
  readonly kind: LibvirtErrorKind;
  /** virErrorNumber when libvirt refused, else undefined. */
  readonly code: number | undefined;
  /** virErrorDomain when libvirt refused, else undefined. */
  readonly domain: number | undefined;
  /** What the operator can do. */
  readonly advice: string;

  constructor(
    kind: LibvirtErrorKind,
    message: string,
    options: ErrorOptions & { code?: number; domain?: number } = {},
  ) {
    super(message, options);
    this.kind = kind;
    this.code = options.code;
    this.domain = options.domain;
    this.advice = advices[kind];
  }
}
