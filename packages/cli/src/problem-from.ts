import { Problem, type ProblemKind } from '@vouchsafe/domain/problem';
import { HostSetupError, type HostSetupErrorCode } from '@vouchsafe/services/host-setup/item';
import { TestingError, type TestingErrorCode } from '@vouchsafe/testing/error';

const ofSetup: Record<HostSetupErrorCode, ProblemKind> = {
  'not-root': 'host.not-root',
  'no-libvirt': 'host.package-missing',
  'guests-running': 'object.in-use',
  'command-failed': 'host.unsupported',
  'record-invalid': 'file.unreadable',
};

const ofTesting: Partial<Record<TestingErrorCode, ProblemKind>> = {
  'not-root': 'host.not-root',
  'no-apt': 'host.unsupported',
  'install-failed': 'host.package-missing',
  'download-failed': 'host.package-missing',
  'command-missing': 'host.package-missing',
};

/** What the system refuses (errno(3)): the message names call and path. */
const ofSystem: Readonly<Record<string, ProblemKind>> = {
  EACCES: 'file.unreadable',
  EPERM: 'file.unreadable',
  EROFS: 'file.unreadable',
  ENOENT: 'file.unreadable',
  ENOTDIR: 'file.unreadable',
  EISDIR: 'file.unreadable',
  EEXIST: 'file.unreadable',
  EMFILE: 'host.unsupported',
  ENOSPC: 'disk.full',
  EDQUOT: 'disk.full',
  EADDRINUSE: 'address.unusable',
  EADDRNOTAVAIL: 'address.unusable',
};

/** Any error as a problem of the table; one that nobody foresaw is internal. */
export function problemFrom(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(kindOf(error), (error as Error).message, { cause: error });
}

function kindOf(error: unknown): ProblemKind {
  if (error instanceof HostSetupError) return ofSetup[error.code];
  if (error instanceof TestingError) return ofTesting[error.code] ?? 'internal';
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  return (syscall === undefined ? undefined : ofSystem[code]) ?? 'internal';
}
