import type { ProtocolVersion } from './message.ts';
import { versionNames } from './ttlv/vocabulary.ts';

/** The versions that the tables cover, best first. */
export const versions: readonly ProtocolVersion[] = versionNames.toReversed().map((name) => {
  const [major = 0, minor = 0] = name.split('.').map(Number);
  return { major, minor };
});

export const sameVersion = (a: ProtocolVersion, b: ProtocolVersion): boolean =>
  a.major === b.major && a.minor === b.minor;

export const versionText = ({ major, minor }: ProtocolVersion): string => `${major}.${minor}`;
