import { equalBytes } from '@vouchsafe/bytes/equal';
import { concat } from '@vouchsafe/bytes/hex';
import { type Bank, digest } from './algorithms.ts';

/**
 * What the service manager of the running system extends, which no firmware log holds. Only these words in these orders:
 * whatever else follows on the log is unexplained.
 *
 * PCR 11: the phases of the boot (systemd-pcrphase.service(8), since 252); a soft reboot runs through the later ones
 * again. PCR 0 to 7, 9, 12 to 14: `os-separator` (systemd-pcrosseparator.service, 2026).
 */
const followers: Readonly<Record<'phases' | 'separator', Readonly<Record<string, readonly string[]>>>> = {
  phases: {
    '': ['enter-initrd', 'sysinit'],
    'enter-initrd': ['leave-initrd'],
    'leave-initrd': ['sysinit'],
    sysinit: ['ready', 'shutdown'],
    ready: ['shutdown'],
    shutdown: ['final'],
    final: ['sysinit'],
  },
  separator: { '': ['os-separator'] },
};

const separated = [0, 1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 14];

/** Enough for three soft reboots. */
const maxWords = 16;

/**
 * The words that the running system extended into a PCR after the log ended.
 * @param logged value that the log gives
 * @returns undefined when they do not explain the value that the TPM has
 */
export function userspaceWords(bank: Bank, pcr: number, logged: Uint8Array, value: Uint8Array): string[] | undefined {
  if (equalBytes(logged, value)) return [];
  const table = pcr === 11 ? followers.phases : separated.includes(pcr) ? followers.separator : undefined;
  return table && search(bank, table, [], logged, value);
}

function search(
  bank: Bank,
  table: Readonly<Record<string, readonly string[]>>,
  words: string[],
  logged: Uint8Array,
  value: Uint8Array,
): string[] | undefined {
  if (equalBytes(logged, value)) return words;
  if (words.length === maxWords) return undefined;
  for (const word of table[words.at(-1) ?? ''] ?? []) {
    const extended = digest(bank, concat(logged, digest(bank, new Uint8Array(Buffer.from(word)))));
    const found = search(bank, table, [...words, word], extended, value);
    if (found) return found;
  }
  return undefined;
}
