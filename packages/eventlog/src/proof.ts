import { equalBytes } from '@vouchsafe/bytes/equal';
import { concat } from '@vouchsafe/bytes/hex';
import { type Bank, digest } from './algorithms.ts';
import { attempt } from './attempt.ts';
import type { LogEvent } from './event.ts';
import { digestOf, type EventTypeName } from './event-types.ts';
import type { QuirkName } from './quirks.ts';
import { isExtended } from './replay.ts';
import { utf16Text } from './text.ts';
import { decodeVariable } from './uefi/variable.ts';

/** One way in which a digest is that of bytes in the event's data. */
interface ProofRuleFacts {
  /** Labels under which the rule is tried; absent: every type. */
  readonly types?: readonly EventTypeName[];
  /** PCRs in which it is tried; absent: every one. */
  readonly pcrs?: readonly number[];
  /** The bytes that would have been measured; undefined when the data have not this shape. */
  readonly measured: (data: Uint8Array) => Uint8Array | undefined;
  readonly quirk?: QuirkName;
}

/** What GRUB logs before the text that it measures. */
export const grubPrefixes = ['grub_cmd: ', 'kernel_cmdline: ', 'module_cmdline: '] as const;

/** With which of them the data begin. */
export const grubPrefixOf = (data: Uint8Array): (typeof grubPrefixes)[number] | undefined =>
  grubPrefixes.find((prefix) => {
    for (let i = 0; i < prefix.length; i++) if (data[i] !== prefix.charCodeAt(i)) return false;
    return true;
  });

/**
 * The rules, tried in this order, the likely ones first: each costs a hash, and a digest is that of one of them only. The
 * label chooses what is tried, the digest decides.
 */
export const proofRules = {
  /** GRUB: the text behind `grub_cmd: ` and the like, without NUL. The prefix itself is not measured. */
  grubText: { types: ['EV_IPL'], measured: grubText },
  /** The whole data. */
  data: { measured: (data) => data },
  /** UEFI_VARIABLE_DATA and the padding behind it, without the last byte. */
  paddedVariable: {
    types: ['EV_EFI_VARIABLE_AUTHORITY'],
    measured: (data) => (decodeVariable(data).spare > 0 ? data.subarray(0, -1) : undefined),
    quirk: 'shim-spare-bytes',
  },
  /** The value of the variable; its name is not proven. */
  variableValue: {
    types: ['EV_EFI_VARIABLE_BOOT'],
    measured: (data) => decodeVariable(data).data,
    quirk: 'variable-value-only',
  },
  /** The same of a configuration variable; never of one of Secure Boot, whose name must be proven. */
  configValue: {
    types: ['EV_EFI_VARIABLE_DRIVER_CONFIG'],
    pcrs: [1, 3, 5],
    measured: (data) => decodeVariable(data).data,
    quirk: 'driver-config-value-only',
  },
  /** systemd-stub: the ASCII name, with NUL, of a section that is logged in UTF-16. */
  sectionName: { types: ['EV_IPL'], measured: sectionName },
  /** UTF-16 text with the last byte of its NUL restored. */
  restoredNul: {
    types: ['EV_IPL'],
    measured: (data) => (data.length % 2 === 1 && data.at(-1) === 0 ? concat(data, Uint8Array.of(0)) : undefined),
    quirk: 'systemd-boot-short-utf16',
  },
} as const satisfies Record<string, ProofRuleFacts>;
export type ProofRule = keyof typeof proofRules;

function grubText(data: Uint8Array): Uint8Array | undefined {
  const prefix = grubPrefixOf(data);
  if (prefix === undefined) return undefined;
  const end = data.at(-1) === 0 ? data.length - 1 : data.length;
  return data.subarray(prefix.length, end);
}

function sectionName(data: Uint8Array): Uint8Array | undefined {
  const text = utf16Text(data);
  return /^\.[a-z0-9_]{1,15}$/.test(text) ? new Uint8Array(Buffer.from(`${text}\0`, 'latin1')) : undefined;
}

/** What the digest of an event proves. */
export type Proof =
  /** `measured`, bytes of the data (see the rule), is what was measured. */
  | { readonly state: 'data'; readonly rule: ProofRule; readonly measured: Uint8Array; readonly quirk?: QuirkName }
  /** Only the digest is a fact. The data describe what was measured, and anyone can have written them. */
  | { readonly state: 'digest' }
  /** As `digest`, although events with this label ought to have data that match. */
  | { readonly state: 'mismatch' }
  /** Not extended, or in a PCR that no quote vouches for: nothing about it is a fact. */
  | { readonly state: 'none' };

/** What the digest of the event in this bank proves, once the replay of the log equals a quote. */
export function proofOf(event: LogEvent, bank: Bank): Proof {
  const value = event.digests[bank];
  if (!isExtended(event) || value === undefined) return { state: 'none' };
  for (const [rule, facts] of rules) {
    if (facts.types && !facts.types.includes(event.typeName as EventTypeName)) continue;
    if (facts.pcrs && !facts.pcrs.includes(event.pcr)) continue;
    const measured = attempt(() => facts.measured(event.data));
    if (measured === undefined || !equalBytes(digest(bank, measured), value)) continue;
    return { state: 'data', rule, measured, ...(facts.quirk === undefined ? {} : { quirk: facts.quirk }) };
  }
  return { state: digestOf(event.type) === 'data' ? 'mismatch' : 'digest' };
}

const rules = Object.entries(proofRules) as [ProofRule, ProofRuleFacts][];
