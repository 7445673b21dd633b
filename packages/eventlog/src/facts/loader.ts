import { type Bank, digest } from '../algorithms.ts';
import { type Content, contentOf } from '../content.ts';
import type { Finding } from '../finding.ts';
import { type grubPrefixes, grubPrefixOf } from '../proof.ts';
import { linuxTags } from '../tagged.ts';
import { printable, utf16Text } from '../text.ts';
import { type Fact, fact, type Measured, provenBytes } from './fact.ts';

/** A section of a unified kernel image, as systemd-stub measures it into PCR 11. */
export interface UkiSection {
  readonly name: string;
  /** Digest of the section's content, in the bank of the facts. */
  readonly digest: Uint8Array;
}

/** A text that a boot loader measured. The text is proven; that it had this role is not, so a policy must know all of them. */
export interface LoaderText {
  /** `commandLine`: systemd's load options; the others: GRUB's prefixes. */
  readonly role: 'commandLine' | 'grubCommand' | 'grubKernelCommandLine' | 'grubModuleCommandLine';
  readonly text: string;
}

/** Something of which only the digest is proven: a file that GRUB read, an initrd, load options, shim's key lists. */
export interface MeasuredObject {
  readonly digest: Uint8Array;
  readonly role: 'linuxInitrd' | 'linuxLoadOptions' | 'other';
  /** What the log calls it. Not measured: for people only. */
  readonly unprovenName: string;
}

/**
 * Sections of PCR 11: name and content are measured in turn, the name as ASCII with NUL.
 * Places decide, not labels: a content that looks like a name cannot shift the pairs unnoticed.
 * A PCR 11 that does not begin with a section's name was written by something else (Windows) and has none.
 */
export function ukiSections(pcr11: readonly Measured[], findings: Finding[]): Fact<UkiSection>[] {
  const sections: Fact<UkiSection>[] = [];
  for (let i = 0; i < pcr11.length; i += 2) {
    const name = pcr11[i]!;
    const content = pcr11[i + 1];
    if (content === undefined || name.proof.state !== 'data' || name.proof.rule !== 'sectionName') {
      const detail = 'expected the proven name of a section and its content';
      if (i > 0) findings.push({ code: 'section.order', detail, event: name.event.index, pcr: name.event.pcr });
      break;
    }
    const text = Buffer.from(name.proof.measured).toString('latin1').replace(/\0$/, '');
    sections.push(fact(content, { name: text, digest: content.digest }));
  }
  return sections;
}

const grubRoles = {
  'grub_cmd: ': 'grubCommand',
  'kernel_cmdline: ': 'grubKernelCommandLine',
  'module_cmdline: ': 'grubModuleCommandLine',
} as const satisfies Record<(typeof grubPrefixes)[number], LoaderText['role']>;

/** The PCRs where systemd-boot and systemd-stub (12, before 251: 8) and GRUB (8) measure texts. */
export const textPcrs: readonly number[] = [8, 12];

/** The proven texts of PCR 8 and 12. */
export const loaderTexts = (events: readonly Measured[]): Fact<LoaderText>[] =>
  events.flatMap((each) => {
    const value = loaderText(each);
    return value === undefined ? [] : [fact(each, value)];
  });

function loaderText(each: Measured): LoaderText | undefined {
  const bytes = provenBytes(each);
  if (bytes === undefined || each.proof.state !== 'data') return undefined;
  if (each.proof.rule === 'grubText') {
    const prefix = grubPrefixOf(each.event.data);
    return prefix && { role: grubRoles[prefix], text: Buffer.from(bytes).toString('utf8') };
  }
  return isUtf16(bytes) ? { role: 'commandLine', text: utf16Text(bytes) } : undefined;
}

/** Printable UTF-16 that ends in NUL: Windows measures tagged structures into PCR 12, which are none. */
const isUtf16 = (bytes: Uint8Array): boolean =>
  bytes.length >= 2 &&
  bytes.length % 2 === 0 &&
  bytes.at(-1) === 0 &&
  bytes.at(-2) === 0 &&
  !/[\p{C}\u{fffd}]/u.test(utf16Text(bytes));

/**
 * What the Linux EFI stub measures for a command line (`linuxLoadOptions`): its UTF-16 text with NUL.
 * It lets a command line that came by another way be proven.
 */
export const loadOptionsDigest = (bank: Bank, commandLine: string): Uint8Array =>
  digest(bank, new Uint8Array(Buffer.from(`${commandLine}\0`, 'utf16le')));

/** Everything from PCR 8 on of which only the digest is proven. */
export const measuredObjects = (events: readonly Measured[]): Fact<MeasuredObject>[] =>
  events
    .filter(({ proof }) => proof.state !== 'data')
    .map((each) => {
      const content = contentOf(each.event);
      return fact(each, { digest: each.digest, role: objectRole(content), unprovenName: objectName(content) });
    });

function objectRole(content: Content): MeasuredObject['role'] {
  if (content.kind !== 'tagged' || content.tags.length !== 1) return 'other';
  if (content.tags[0]!.id === linuxTags.initrd) return 'linuxInitrd';
  return content.tags[0]!.id === linuxTags.loadOptions ? 'linuxLoadOptions' : 'other';
}

function objectName(content: Content): string {
  if (content.kind === 'tagged')
    return content.tags
      .map(({ name }) => name)
      .slice(0, 4)
      .join(', ');
  return content.kind === 'text' ? printable(content.text) : '';
}
