import type { ProtocolVersion } from './message.ts';

/** The versions that the tables cover, best first. */
export const versions: readonly ProtocolVersion[] = [4, 3, 2, 1, 0].map((minor) => ({ major: 1, minor }));

export const sameVersion = (a: ProtocolVersion, b: ProtocolVersion): boolean =>
  a.major === b.major && a.minor === b.minor;

export const versionText = ({ major, minor }: ProtocolVersion): string => `${major}.${minor}`;
