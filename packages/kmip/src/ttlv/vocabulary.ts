/** The versions that the tables cover, oldest first. */
export const versionNames = ['1.0', '1.1', '1.2', '1.3', '1.4', '2.0', '2.1'] as const;

/** A version of the standard. */
export type VersionName = (typeof versionNames)[number];

/**
 * A version as its place in that list. Readers and writers carry it, so that each message is read and written in the
 * words of its own version only.
 */
export type Rank = number;

/** The rank of a version. */
export const rankOf = (version: VersionName): Rank => versionNames.indexOf(version);

/** The rank of the last version before 2.0, which changed how attributes stand. */
export const lastOfMajor1: Rank = rankOf('1.4');
export const newestRank: Rank = versionNames.length - 1;

/**
 * The rank of the version that a message states. A minor version that is not in the list counts as the newest of its
 * major version, and an unknown major version as 1.4.
 */
export function rankOfNumbers(major: number, minor: number): Rank {
  const exact = versionNames.indexOf(`${major}.${minor}` as VersionName);
  if (exact >= 0) return exact;
  return major === 2 ? newestRank : lastOfMajor1;
}
