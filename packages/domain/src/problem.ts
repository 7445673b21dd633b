/**
 * Every way in which Vouchsafe says no, in one table. REST answers `status` and `error` (the vendor's error type), the
 * command line prints `title` and `hint` and leaves with `exit`: 1 usage or local, 2 server or network, 3 checked and
 * not trusted, 4 not allowed.
 */
export interface ProblemFacts {
  readonly status: number;
  readonly error: VendorError;
  readonly exit: 1 | 2 | 3 | 4;
  readonly title: string;
  readonly hint: string;
}

/** The error types of the vendor contract that Vouchsafe uses. */
export type VendorError =
  | 'INVALID_ARGUMENT'
  | 'UNAUTHENTICATED'
  | 'UNAUTHORIZED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'NOT_ALLOWED_IN_CURRENT_STATE'
  | 'RESOURCE_BUSY'
  | 'UNABLE_TO_ALLOCATE_RESOURCE'
  | 'SERVICE_UNAVAILABLE'
  | 'ERROR';

const facts = (
  status: number,
  error: VendorError,
  exit: ProblemFacts['exit'],
  title: string,
  hint: string,
): ProblemFacts => ({ status, error, exit, title, hint });

export const problems = {
  'usage.invalid': facts(400, 'INVALID_ARGUMENT', 1, 'the command line is not valid', 'see --help'),
  'input.invalid': facts(400, 'INVALID_ARGUMENT', 1, 'the input is not valid', 'correct the field that is named'),
  'input.malformed': facts(
    400,
    'INVALID_ARGUMENT',
    1,
    'the input is malformed',
    'check that the file is whole and of the kind you named; `vouchsafe inspect` shows it',
  ),
  'input.too-large': facts(413, 'INVALID_ARGUMENT', 1, 'the input is too large', 'the message names the limit'),
  'config.invalid': facts(
    400,
    'INVALID_ARGUMENT',
    1,
    'the configuration is not valid',
    'correct the key that is named',
  ),
  'file.unreadable': facts(500, 'ERROR', 1, 'a file cannot be read or written', 'check the path and its permissions'),
  'host.not-root': facts(
    500,
    'ERROR',
    1,
    'this needs root',
    'start it as root: it makes namespaces and mounts, and talks to libvirt and the TPM',
  ),
  'host.package-missing': facts(500, 'ERROR', 1, 'a program is missing', 'install the Debian package that is named'),
  'host.unsupported': facts(500, 'ERROR', 1, 'this machine cannot do it', 'the message says what is needed'),
  'host.state-dir-on-disk': facts(
    500,
    'NOT_ALLOWED_IN_CURRENT_STATE',
    4,
    'libvirt keeps passphrases of running VMs on a disk',
    '`vouchsafe host setup` puts /var/lib/libvirt/qemu into memory',
  ),
  'host.swap-unsafe': facts(
    500,
    'NOT_ALLOWED_IN_CURRENT_STATE',
    4,
    'the host swaps to a disk in the clear',
    'swapoff -a, or swap encrypted under a random key',
  ),
  'host.tpm-exposed': facts(
    500,
    'NOT_ALLOWED_IN_CURRENT_STATE',
    4,
    'others may use the TPM of this host',
    '`vouchsafe host setup` gives the TPM to the group vouchsafe-tpm alone',
  ),
  'host.not-ready': facts(
    503,
    'SERVICE_UNAVAILABLE',
    2,
    'the part is not ready yet',
    'try again in a moment; `vouchsafe host status` tells',
  ),
  'tpm.unavailable': facts(
    503,
    'SERVICE_UNAVAILABLE',
    2,
    'the TPM does not answer',
    '`vouchsafe host check` shows what is wrong with it',
  ),
  'seal.unopened': facts(
    503,
    'SERVICE_UNAVAILABLE',
    2,
    'the TPM does not open the key of this part',
    'was the TPM cleared, or the disk put into another machine? put it back; if the TPM is lost, the secrets in the store are: join this host to its group anew',
  ),
  'root-key.unopened': facts(
    503,
    'SERVICE_UNAVAILABLE',
    2,
    'the root key does not open the store of the key server',
    '`vouchsafe kms root-key show` says which one it wants: put that back, or `vouchsafe kms root-key set` with --recovery',
  ),
  'hsm.unavailable': facts(
    503,
    'SERVICE_UNAVAILABLE',
    2,
    'the PKCS#11 token does not answer',
    'check that the token is there and its service runs; the tool of its vendor, or `pkcs11-tool --list-slots`, shows it',
  ),
  'hsm.pin-refused': facts(
    503,
    'UNAUTHENTICATED',
    4,
    'the PKCS#11 token does not take the PIN',
    'correct the PIN file; what was refused is not tried again, so that the token does not lock',
  ),
  'hsm.refused': facts(500, 'ERROR', 2, 'the PKCS#11 token refused', 'the message names what it answered'),
  'hsm.key-missing': facts(
    503,
    'SERVICE_UNAVAILABLE',
    2,
    'the PKCS#11 token does not hold the key',
    'put the right token back or restore it; a recovery key opens the store without it: `vouchsafe kms root-key set`',
  ),
  'store.unavailable': facts(
    503,
    'SERVICE_UNAVAILABLE',
    2,
    'the database of the key server does not answer',
    'look at the database; the key server goes on by itself when it is back',
  ),
  'libvirt.unavailable': facts(
    503,
    'SERVICE_UNAVAILABLE',
    2,
    'libvirt does not answer',
    'check that libvirtd runs and that its socket is the configured one',
  ),
  'libvirt.refused': facts(500, 'ERROR', 2, 'libvirt refused', 'see the libvirt message'),
  'service.unreachable': facts(
    503,
    'SERVICE_UNAVAILABLE',
    2,
    'no service of the Trust Authority answers',
    'check the address, the network and that the Trust Authority host is up',
  ),
  'service.untrusted': facts(
    502,
    'ERROR',
    3,
    'the answer is not from the Trust Authority of this host',
    'compare the pinned group with what `vouchsafe host status` shows on a Trust Authority host',
  ),
  'group.mismatch': facts(
    403,
    'UNAUTHORIZED',
    4,
    'the host is pinned to another Trust Authority group',
    'set the group of this Trust Authority on the host, as local root',
  ),
  'group.stale': facts(
    503,
    'SERVICE_UNAVAILABLE',
    2,
    'this Trust Authority host does not know what the others know',
    'see `vouchsafe ta status` there; another Trust Authority host serves meanwhile',
  ),
  'member.refused': facts(
    403,
    'UNAUTHORIZED',
    4,
    'the request is not one of a member of this group',
    'compare `vouchsafe ta members` on both hosts, and their clocks',
  ),
  'member.untrusted': facts(
    502,
    'ERROR',
    3,
    'what came back is not from a member of this group',
    "somebody stands between the Trust Authority hosts, or the members' lists differ: compare `vouchsafe ta members`",
  ),
  'member.silent': facts(
    503,
    'SERVICE_UNAVAILABLE',
    2,
    'a Trust Authority host has not acknowledged it',
    'it goes on as before until it is reached: stop it, or bring it back; `vouchsafe ta status` shows when it has heard',
  ),
  'invite.refused': facts(
    403,
    'UNAUTHORIZED',
    4,
    'the invite does not count',
    'make a new one on a member: `vouchsafe ta invite`',
  ),
  'host.in-group': facts(
    409,
    'NOT_ALLOWED_IN_CURRENT_STATE',
    1,
    'this host has a group of its own that is in use',
    'join with a host that was never used: stop it, move its state directory away, start it, and join again',
  ),
  'denials.full': facts(
    507,
    'UNABLE_TO_ALLOCATE_RESOURCE',
    1,
    'the group cannot remember more denials',
    'the host is revoked here; approve again, or start a new group, when hosts of long ago fill the list',
  ),
  'challenge.elsewhere': facts(
    409,
    'NOT_ALLOWED_IN_CURRENT_STATE',
    2,
    'the challenge is not from this instance',
    'begin the attestation again',
  ),
  'challenge.expired': facts(
    409,
    'NOT_ALLOWED_IN_CURRENT_STATE',
    2,
    'the challenge is too old',
    'begin the attestation again',
  ),
  'challenge.used': facts(
    409,
    'NOT_ALLOWED_IN_CURRENT_STATE',
    3,
    'the challenge was used already',
    'begin the attestation again',
  ),
  'evidence.unknown': facts(
    409,
    'NOT_ALLOWED_IN_CURRENT_STATE',
    2,
    'the service does not hold the logs that the evidence refers to',
    'send the evidence with its logs',
  ),
  'attestation.refused': facts(
    403,
    'UNAUTHORIZED',
    3,
    'the host is not attested',
    'the findings say why; `vouchsafe host attest` repeats it',
  ),
  'image.untrusted': facts(
    400,
    'NOT_ALLOWED_IN_CURRENT_STATE',
    3,
    'the base image is not to be trusted',
    'the message says what it lacks; `vouchsafe image show NAME` shows it',
  ),
  'token.invalid': facts(401, 'UNAUTHENTICATED', 3, 'the token is not valid here', 'attest the host again'),
  'bundle.invalid': facts(
    400,
    'INVALID_ARGUMENT',
    3,
    'the evidence bundle is not as it was signed',
    'export it again on the Trust Authority host; compare the group that you gave with that of the host',
  ),
  'proof.invalid': facts(
    401,
    'UNAUTHENTICATED',
    3,
    'the proof of possession is not valid',
    'use the key that the token names and the nonce of this server',
  ),
  'proof.nonce': facts(
    401,
    'UNAUTHENTICATED',
    2,
    'the proof needs a nonce of this server',
    'repeat it with the nonce in the DPoP-Nonce header',
  ),
  'release.refused': facts(
    403,
    'UNAUTHORIZED',
    4,
    'the key is not released',
    'the service does not say why: its audit does, under `reason` (on a Trust Authority host)',
  ),
  'migration.refused': facts(
    403,
    'UNAUTHORIZED',
    4,
    'no migration certificate is issued',
    'a host gets one for the key that it made and attested itself; restart its agent',
  ),
  'provider.unknown': facts(404, 'NOT_FOUND', 1, 'no such key provider', 'vouchsafe provider list'),
  'provider.catching-up': facts(
    503,
    'RESOURCE_BUSY',
    2,
    'the provider has not learnt of this primary key yet',
    'try another instance, or again in a moment',
  ),
  'key.use-forbidden': facts(
    403,
    'UNAUTHORIZED',
    4,
    'the provider does not allow this use of the key',
    'a TrustedAdmin sets `uses` of the provider',
  ),
  'provider.not-backed-up': facts(
    409,
    'NOT_ALLOWED_IN_CURRENT_STATE',
    1,
    'the native key provider was never backed up',
    'export it once and keep the file: without it a lost center loses every VM of this provider',
  ),
  'provider.leave-shallow': facts(
    409,
    'NOT_ALLOWED_IN_CURRENT_STATE',
    4,
    'a VM leaves its key provider with new data keys only',
    'who had the old key keeps what it opened: encrypt a new copy of the disks with the other provider',
  ),
  'push.refused': facts(
    403,
    'UNAUTHORIZED',
    4,
    'the host does not take this key',
    'the message says why; compare `center` in host.toml with the center that sends keys',
  ),
  'key.not-here': facts(
    503,
    'SERVICE_UNAVAILABLE',
    2,
    'this host was not given the key',
    'have the center hand it out again; `vouchsafe provider list` shows what is here',
  ),
  'key.not-active': facts(
    409,
    'NOT_ALLOWED_IN_CURRENT_STATE',
    1,
    'nothing is encrypted with a key in this state',
    'take an Active key; what is encrypted already still opens',
  ),
  'kmip.unreachable': facts(
    503,
    'SERVICE_UNAVAILABLE',
    2,
    'the key server does not answer',
    'check its address and that it runs',
  ),
  'kmip.refused': facts(
    502,
    'ERROR',
    2,
    'the key server refused',
    'see its message; it must know the client certificate of the provider and let it read the primary key',
  ),
  'kmip.key-missing': facts(
    503,
    'NOT_FOUND',
    2,
    'the key is missing on the key servers',
    'restore it there; running VMs and hosts that have the key go on',
  ),
  'kmip.key-unusable': facts(
    503,
    'NOT_ALLOWED_IN_CURRENT_STATE',
    2,
    'the primary key cannot be used',
    'check its state on the key server',
  ),
  'archive.untrusted': facts(
    403,
    'UNAUTHORIZED',
    3,
    'the package archive is not what its signers vouch for',
    'do not use it: look for another mirror, and check keyring and suite',
  ),
  'archive.unreachable': facts(
    503,
    'SERVICE_UNAVAILABLE',
    2,
    'the package archive does not answer',
    'check the address of the mirror',
  ),
  'archive.incomplete': facts(
    404,
    'NOT_FOUND',
    2,
    'the package archive does not have all packages',
    'update the host, name the suite or a snapshot that has them, or leave them out with --allow-missing',
  ),
  'keysafe.missing': facts(
    404,
    'NOT_FOUND',
    1,
    'the domain carries no key safe',
    'encrypt its disks with `vouchsafe vm encrypt`',
  ),
  'keysafe.invalid': facts(
    403,
    'UNAUTHORIZED',
    3,
    'the key safe is damaged or was changed',
    'restore it from the copy beside the disk',
  ),
  'keysafe.other-domain': facts(
    403,
    'UNAUTHORIZED',
    3,
    'the key safe belongs to another domain',
    'a key safe opens the domain it was made for only',
  ),
  'keysafe.profile-changed': facts(
    403,
    'UNAUTHORIZED',
    3,
    'the domain is not the one that was sealed',
    'undo the change, or accept it with `vouchsafe vm seal`',
  ),
  'keysafe.rollback': facts(
    403,
    'UNAUTHORIZED',
    3,
    'the key safe is older than the one last seen here',
    'restore the newest one',
  ),
  'disk.not-encrypted': facts(
    403,
    'UNAUTHORIZED',
    4,
    'a writable disk of an encrypted VM is not encrypted',
    'encrypt it with `vouchsafe vm encrypt`, or detach it',
  ),
  'disk.unexpected': facts(
    403,
    'UNAUTHORIZED',
    3,
    'a disk image is not the one of the key safe',
    'check the path; `vouchsafe inspect luks` shows the header',
  ),
  'disk.busy': facts(409, 'RESOURCE_BUSY', 1, 'the disk is in use', 'shut the VM down first'),
  'disk.full': facts(
    507,
    'UNABLE_TO_ALLOCATE_RESOURCE',
    1,
    'there is not enough space',
    'free space where the message says; what was there before is untouched',
  ),
  'audit.unwritable': facts(
    503,
    'SERVICE_UNAVAILABLE',
    2,
    'the audit record cannot be written, so nothing is released',
    'free space for the audit file',
  ),
  'audit.broken': facts(
    500,
    'ERROR',
    3,
    'the audit chain is broken',
    'keep the file; the record that is named was changed, removed or added',
  ),
  'fetch.refused': facts(
    403,
    'UNAUTHORIZED',
    4,
    'the address is not fetched',
    'list its host if it is meant: `vouchsafe tpm-ca update --help`',
  ),
  'fetch.failed': facts(
    502,
    'SERVICE_UNAVAILABLE',
    2,
    'the address cannot be fetched',
    'fetch it by other means and load the file: `vouchsafe tpm-ca crl add`',
  ),
  'object.unknown': facts(404, 'NOT_FOUND', 1, 'no such object', 'list the objects to see the names'),
  'object.exists': facts(400, 'ALREADY_EXISTS', 1, 'the name is taken', 'delete the other first, or take another name'),
  'object.in-use': facts(400, 'RESOURCE_BUSY', 1, 'the object is in use', 'end its use first'),
  'operation.unknown': facts(404, 'NOT_FOUND', 1, 'no such operation', 'check method and path'),
  'operation.unauthenticated': facts(
    401,
    'UNAUTHENTICATED',
    4,
    'the request is not signed',
    'administration goes through the local socket, as root',
  ),
  'server.busy': facts(503, 'RESOURCE_BUSY', 2, 'the service is busy', 'try again after the time in Retry-After'),
  'address.unusable': facts(
    500,
    'ERROR',
    1,
    'nothing can listen at this address',
    'stop what listens there already, or name another address',
  ),
  internal: facts(
    500,
    'ERROR',
    2,
    'something went wrong inside',
    'the log of the part has the details under the request id',
  ),
} as const satisfies Record<string, ProblemFacts>;

export type ProblemKind = keyof typeof problems;

/** The one error class of Vouchsafe: a kind of the table and what exactly happened. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly kind: ProblemKind;
  /** Further data for machines; never a secret. */
  readonly data: Readonly<Record<string, unknown>>;

  constructor(kind: ProblemKind, detail: string, options: { data?: Record<string, unknown>; cause?: unknown } = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.data = options.data ?? {};
  }

  get facts(): ProblemFacts {
    return problems[this.kind];
  }
}

/** The kind that an error counts as; what no one foresaw is `internal`. */
export const kindOf = (error: unknown): ProblemKind => (error instanceof Problem ? error.kind : 'internal');
