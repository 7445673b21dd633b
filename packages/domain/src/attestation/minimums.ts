import { hex } from '@vouchsafe/bytes/hex';
import { digest } from '@vouchsafe/eventlog/algorithms';
import { parseSbatLevel, type SbatLevel } from '@vouchsafe/eventlog/facts/sbat';
import type { ProvenFacts } from '@vouchsafe/eventlog/proven';
import type { Signature } from '@vouchsafe/eventlog/uefi/signature-list';
import Type, { type Static } from 'typebox';
import { compareVersions, versionPattern } from '../version.ts';
import type { BaseImage } from './base-image.ts';
import type { FindingId } from './findings.ts';
import { imageFacts } from './image-facts.ts';

/** One revoked thing: the digest of an EFI program, or a certificate by the SHA-256 of its DER. */
const DbxEntry = Type.String({ pattern: '^(?:x509:)?[0-9a-f]{64}$' });

/**
 * The oldest software that base images may hold, whoever imported them: what is known to have holes is refused also when
 * its image is still active. Absent: no minimum.
 */
export const Minimums = Type.Object(
  {
    /** Lowest generation by component of shim's SbatLevel: shim, grub, ... */
    sbat: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' }), Type.Integer({ minimum: 1 }), {
        additionalProperties: false,
        maxProperties: 64,
      }),
    ),
    /** Earliest date of SbatLevel, YYYYMMDDNN. */
    sbat_date: Type.Optional(Type.String({ pattern: '^\\d{10}$' })),
    /** Entries that dbx must hold. */
    dbx: Type.Optional(
      Type.Object(
        {
          /** Where they come from, for people. */
          name: Type.String({ maxLength: 128 }),
          entries: Type.Array(DbxEntry, { minItems: 1, maxItems: 16_384, uniqueItems: true }),
        },
        { additionalProperties: false },
      ),
    ),
    /** Lowest release of the kernel, without flavour: 6.1.0-32. */
    kernel: Type.Optional(Type.String({ pattern: versionPattern })),
  },
  { additionalProperties: false },
);
export type Minimums = Static<typeof Minimums>;

export const defaultMinimums: Minimums = {};

/** One way in which an image lies below a minimum. */
export interface Shortfall {
  readonly id: FindingId & ('image.minimum' | 'sbat.minimum' | 'dbx.minimum');
  readonly detail: string;
}

/**
 * How an image lies below the minimums, or a boot that fits it. What a log does not prove counts as missing.
 * @param facts those of the host's log: its dbx may have grown since the image was captured. Those of the image's own
 *   log when left out. The kernel's release is what the golden host said of itself, unless the kernel image proves it.
 */
export function shortfalls(image: BaseImage, minimums: Minimums, facts = imageFacts(image).facts): Shortfall[] {
  return [
    ...sbatShortfalls(image, minimums, facts),
    ...dbxShortfalls(image, minimums, facts),
    ...kernelShortfalls(image, minimums),
  ];
}

function* sbatShortfalls(
  image: BaseImage,
  { sbat = {}, sbat_date }: Minimums,
  facts: ProvenFacts,
): Generator<Shortfall> {
  const wanted = Object.entries(sbat);
  if (wanted.length === 0 && sbat_date === undefined) return;
  const levels = sbatLevels(facts);
  if (levels.length === 0) {
    yield { id: 'sbat.minimum', detail: `base image ${image.name} proves no SBAT level` };
    return;
  }
  // Whoever had the golden host could measure a further, higher level: all of them must do.
  for (const [component, minimum] of wanted) {
    const has = Math.min(...levels.map((level) => level?.generations.get(component) ?? 0));
    if (has >= minimum) continue;
    const found = has === 0 ? 'none' : String(has);
    yield {
      id: 'sbat.minimum',
      detail: `${component}: base image ${image.name} revokes below ${found}, at least ${minimum} is asked for`,
    };
  }
  const date = levels.map((level) => level?.date ?? '').toSorted()[0] ?? '';
  if (sbat_date !== undefined && date < sbat_date)
    yield {
      id: 'sbat.minimum',
      detail: `base image ${image.name} has the SBAT level of ${date || 'no date'}, at least ${sbat_date} is asked for`,
    };
}

function* dbxShortfalls(image: BaseImage, { dbx }: Minimums, facts: ProvenFacts): Generator<Shortfall> {
  if (dbx === undefined) return;
  const signatures = facts.databases.dbx?.value.signatures;
  const has = new Set(signatures?.map(dbxEntry));
  const missing = dbx.entries.filter((entry) => !has.has(entry));
  if (missing.length === 0) return;
  const what = signatures === undefined ? 'proves no dbx' : `lacks ${missing.length} of ${dbx.entries.length} entries`;
  yield { id: 'dbx.minimum', detail: `base image ${image.name} ${what} of ${dbx.name}, such as ${missing[0]}` };
}

function* kernelShortfalls({ name, kernel }: BaseImage, { kernel: minimum }: Minimums): Generator<Shortfall> {
  if (minimum === undefined) return;
  const below = kernel === undefined || compareVersions(kernel, minimum) < 0;
  if (below)
    yield {
      id: 'image.minimum',
      detail: `base image ${name} has kernel ${kernel ?? 'of unknown release'}, at least ${minimum} is asked for`,
    };
}

/** An entry of a dbx as minimums name it; other kinds by kind and digest, so that they are never taken for one. */
export function dbxEntry({ type, data }: Signature): string {
  if (type === 'sha256') return hex(data);
  return `${type}:${hex(digest('sha256', data))}`;
}

/** Name space and name of shim's variable. */
const shim = { guid: '605dab50-e046-4300-abb6-3dd810dd8b23', variable: 'SbatLevel' } as const;

/** Every level that was measured; undefined stands for one that cannot be read. */
const sbatLevels = ({ authorities }: ProvenFacts): (SbatLevel | undefined)[] =>
  authorities
    .filter(({ value }) => value.guid === shim.guid && value.variable === shim.variable)
    .map(({ value }) => parseSbatLevel(value.data));
