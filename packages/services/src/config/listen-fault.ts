import { Problem } from '@vouchsafe/domain/problem';

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EADDRNOTAVAIL: 'this host has no such address',
  EACCES: 'ports below 1024 need root',
  ENOTFOUND: 'the name is not known',
};

/** Why a server cannot listen at a configured address, in words. */
export function listenFault(address: string, cause: unknown): Problem {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  return new Problem('address.unusable', `${address}: ${reasons[code] ?? message}`, { cause });
}
