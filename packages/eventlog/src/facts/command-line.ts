import { equalBytes } from '@vouchsafe/bytes/equal';
import { type Bank, digest } from '../algorithms.ts';
import type { Fact } from './fact.ts';
import { type LoaderText, loadOptionsDigest, type MeasuredObject, type UkiSection } from './loader.ts';

/** A command line, or a part of one, that was measured on the way to the kernel. */
export interface CommandLine {
  /** `loader`: a loader's text (PCR 8, 12); `section`: of a kernel image (PCR 11); `loadOptions`: as the kernel got it. */
  readonly source: 'loader' | 'section' | 'loadOptions' | 'unknown';
  /** Undefined when only its digest is proven: then nothing can be said about its parameters. */
  readonly text: string | undefined;
}

interface Sources {
  readonly bank: Bank;
  readonly loaderTexts: readonly Fact<LoaderText>[];
  readonly ukiSections: readonly Fact<UkiSection>[];
  readonly objects: readonly Fact<MeasuredObject>[];
}

/**
 * Everything that can be a kernel command line or a part of one. A label decides nothing: of GRUB's texts those count
 * that begin with a path, since no command does, and what is unexplained in PCR 12 counts as unreadable.
 * @param candidates texts that came by another way; those count whose digest was measured
 */
export function commandLines(sources: Sources, candidates: readonly string[]): Fact<CommandLine>[] {
  const { bank, loaderTexts, ukiSections, objects } = sources;
  const sections = ukiSections.filter(({ value }) => value.name === '.cmdline');
  const sectionText = ({ digest: measured }: UkiSection) =>
    candidates.find((candidate) => isSection(bank, candidate, measured));
  return [
    ...loaderTexts.flatMap((each) => {
      const text = loaderCommandLine(each.value);
      return text === undefined ? [] : [told(each, 'loader', text)];
    }),
    ...sections.map((each) => told(each, 'section', sectionText(each.value))),
    ...objects.flatMap((each) => {
      const text = candidates.find((candidate) => equalBytes(loadOptionsDigest(bank, candidate), each.value.digest));
      if (text !== undefined || each.value.role === 'linuxLoadOptions') return [told(each, 'loadOptions', text)];
      return each.pcr === 12 ? [told(each, 'unknown', undefined)] : [];
    }),
  ];
}

const told = (of: Fact<unknown>, source: CommandLine['source'], text: string | undefined): Fact<CommandLine> => ({
  ...of,
  value: { source, text },
});

/** GRUB measures a command line with the path of the kernel before it: `/vmlinuz` or `(hd0,gpt2)/vmlinuz`. */
const path = /^[/(]\S*/;

function loaderCommandLine({ role, text }: LoaderText): string | undefined {
  if (role === 'commandLine') return text.trim();
  if (path.test(text)) return text.replace(path, '').trim();
  return role === 'grubKernelCommandLine' ? text.trim() : undefined;
}

/** Tools that build kernel images end the section as they like. */
const endings = ['', '\n', '\0', '\n\0', ' '];

const isSection = (bank: Bank, text: string, measured: Uint8Array): boolean =>
  endings.some((ending) => equalBytes(digest(bank, new Uint8Array(Buffer.from(text + ending))), measured));
