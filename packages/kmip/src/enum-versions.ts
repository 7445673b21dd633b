import {
  blockCipherMode,
  credentialType,
  cryptographicAlgorithm,
  derivationMethod,
  digitalSignatureAlgorithm,
  hashingAlgorithm,
  keyFormatType,
  keyRoleType,
  linkType,
  objectType,
  operation,
  profileName,
  queryFunction,
  recommendedCurve,
  resultReason,
  splitKeyMethod,
} from './enums.ts';
import { type Rank, rankOf, type VersionName } from './ttlv/vocabulary.ts';

/** From this value on, the values came with this version. */
type Step = readonly [from: number, version: VersionName];

/**
 * Which version brought the values of an enumeration, where not all came with it: each version added values above those
 * that there were (KMIP 1.4, 9.1.3.2, against the same tables of the versions before; KMIP 2.1, 11).
 */
const steps: readonly (readonly [Readonly<Record<string, number>>, readonly Step[]])[] = [
  [
    credentialType,
    [
      [2, '1.1'],
      [3, '1.2'],
      [4, '2.0'],
    ],
  ],
  [
    objectType,
    [
      [9, '1.2'],
      [10, '2.0'],
    ],
  ],
  [
    cryptographicAlgorithm,
    [
      [26, '1.2'],
      [27, '1.3'],
      [28, '1.4'],
      [41, '2.0'],
    ],
  ],
  [blockCipherMode, [[18, '1.4']]],
  [
    hashingAlgorithm,
    [
      [12, '1.2'],
      [14, '1.4'],
    ],
  ],
  [keyRoleType, [[22, '1.4']]],
  [recommendedCurve, [[69, '2.0']]],
  [
    keyFormatType,
    [
      [20, '1.3'],
      [22, '1.4'],
    ],
  ],
  [digitalSignatureAlgorithm, [[17, '1.4']]],
  [splitKeyMethod, [[4, '1.2']]],
  [
    linkType,
    [
      [264, '1.2'],
      [268, '1.4'],
      [270, '2.0'],
    ],
  ],
  [derivationMethod, [[9, '2.0']]],
  [
    queryFunction,
    [
      [5, '1.1'],
      [7, '1.2'],
      [8, '1.3'],
      [13, '2.0'],
    ],
  ],
  [
    operation,
    [
      [29, '1.1'],
      [31, '1.2'],
      [42, '1.4'],
      [44, '2.0'],
      [51, '2.1'],
    ],
  ],
  [
    resultReason,
    [
      [18, '1.1'],
      [19, '1.2'],
      [22, '1.4'],
      [25, '2.0'],
      [69, '2.1'],
      [256, '1.0'],
    ],
  ],
  [
    profileName,
    [
      [85, '1.3'],
      [121, '1.4'],
      [157, '2.0'],
    ],
  ],
];

const byTable = new Map(steps);

/** The version that brought each value of an enumeration; nothing when all came with it. */
export function valuesSince(table: Readonly<Record<string, number>>): ReadonlyMap<string, Rank> | undefined {
  const of = byTable.get(table);
  if (of === undefined) return undefined;
  return new Map(
    Object.entries(table).map(([name, value]) => {
      const version = of.findLast(([from]) => from <= value)?.[1] ?? '1.0';
      return [name, rankOf(version)] as const;
    }),
  );
}
