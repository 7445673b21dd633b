import { asciiText } from '../text.ts';
import type { Authority } from './authority.ts';
import type { Fact } from './fact.ts';

/** What shim revokes by generation (shim, SBAT.md): the SbatLevel variable that it measured into PCR 7. */
export interface SbatLevel {
  /** Date of the level, ten digits: `2023012900`. */
  readonly date: string;
  /** Lowest generation that still starts, by component. */
  readonly generations: ReadonlyMap<string, number>;
}

const shimLock = '605dab50-e046-4300-abb6-3dd810dd8b23';
const maxRows = 256;
const maxBytes = 8192;

/** Whether an authority is the level of shim, and not something of that name by others. */
export const isSbatLevel = ({ guid, variable }: Authority): boolean => guid === shimLock && variable === 'SbatLevel';

/** The level that shim enforced: the first one that was measured, since whatever runs later can measure another. */
export function sbatLevel(authorities: readonly Fact<Authority>[]): Fact<SbatLevel> | undefined {
  const measured = authorities.find(({ value }) => isSbatLevel(value));
  const level = measured && parseSbatLevel(measured.value.data);
  return measured && level && { ...measured, value: level };
}

/**
 * `sbat,1,2023012900` and one row `component,generation` for each; undefined when it is none. Strict, since a level that
 * is misread trusts what was revoked.
 */
export function parseSbatLevel(data: Uint8Array): SbatLevel | undefined {
  if (data.length > maxBytes) return undefined;
  const rows = asciiText(data)?.replace(/\n$/, '').split('\n');
  if (rows === undefined || rows.length > maxRows) return undefined;
  const [name, version, date] = (rows[0] ?? '').split(',');
  if (name !== 'sbat' || version !== '1' || !/^\d{10}$/.test(date ?? '')) return undefined;
  const generations = new Map<string, number>();
  for (const row of rows.slice(1)) {
    const [, component, generation] = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63}),(\d{1,9})$/.exec(row) ?? [];
    if (component === undefined || component === 'sbat' || generations.has(component)) return undefined;
    generations.set(component, Number(generation));
  }
  return { date: date!, generations };
}

/** Whether the kernel is told to trust machine owner keys (shim, MokListTrusted); undefined when shim measured nothing. */
export function mokListTrusted(authorities: readonly Fact<Authority>[]): Fact<boolean> | undefined {
  const measured = authorities.findLast(({ value }) => value.guid === shimLock && value.variable === 'MokListTrusted');
  return measured && { ...measured, value: measured.value.data[0] === 1 };
}
