import { hex } from '@vouchsafe/bytes/hex';
import { type Authority, authorityText } from './facts/authority.ts';
import type { BootImage } from './facts/boot.ts';
import type { CommandLine } from './facts/command-line.ts';
import type { MeasuredObject } from './facts/loader.ts';
import type { DatabaseVariable } from './facts/secure-boot.ts';
import { kernelParameters } from './kernel-parameters.ts';
import type { ProvenFacts } from './proven.ts';
import { printable } from './text.ts';
import { signatureText } from './uefi/signature-list.ts';

/** What is compared of two boots, in the order in which an operator is told. */
export const comparedParts = [
  'firmware version',
  'start of the TPM',
  'drivers',
  'Secure Boot',
  'PK',
  'KEK',
  'db',
  'dbx',
  'who verified',
  'SBAT level',
  'machine owner keys',
  'boot loader',
  'kernel',
  'initial file system',
  'command line',
  'loader commands',
  'other sections',
] as const;
export type ComparedPart = (typeof comparedParts)[number];

/** How a part of a boot departs from that of another boot. */
export interface Change {
  readonly part: ComparedPart;
  /** In an operator's words, for instance `2 entries added (sha256:0a1b..., sha256:...)`. */
  readonly text: string;
}

/** Two boots, compared by what their logs prove. */
export interface Changes {
  readonly changed: readonly Change[];
  /** Parts that both boots prove, and prove alike. */
  readonly unchanged: readonly ComparedPart[];
}

/** More things than this are not looked through for those of one name. */
const maxPairs = 1000;

/** How many entries of a list are named. */
const named = 4;

/** `undefined`: neither boot proves anything about the part. Empty: both prove the same. */
type Comparison = (golden: ProvenFacts, actual: ProvenFacts) => string[] | undefined;

/**
 * Compares two boots by facts, in words. It says less than the digests: what no fact is about is left to `diffLogs`.
 */
export function changesOf(golden: ProvenFacts, actual: ProvenFacts): Changes {
  const changed: Change[] = [];
  const unchanged: ComparedPart[] = [];
  for (const part of comparedParts) {
    const texts = comparisons[part](golden, actual);
    if (texts?.length === 0) unchanged.push(part);
    for (const text of texts ?? []) changed.push({ part, text });
  }
  return { changed, unchanged };
}

/** `dbx: 2 entries added (...); kernel unchanged`. */
export function changesText({ changed, unchanged }: Changes): string {
  const differing = changed.map(({ part, text }) => `${part}: ${text}`);
  const same = unchanged.length === 0 ? [] : [`unchanged: ${unchanged.join(', ')}`];
  return [...differing, ...same].join('; ');
}

const comparisons: Readonly<Record<ComparedPart, Comparison>> = {
  'firmware version': lists(({ firmwareVersions }) => firmwareVersions.map(({ value }) => printable(value, 128))),
  'start of the TPM': single(({ startup }) =>
    startup === undefined ? undefined : `locality ${startup.locality}${startup.hcrtm ? ' after an H-CRTM' : ''}`,
  ),
  drivers: things(({ bootDrivers }) => bootDrivers.map(({ value }) => imageOf(value))),
  'Secure Boot': flags,
  PK: database('PK'),
  KEK: database('KEK'),
  db: database('db'),
  dbx: database('dbx'),
  'who verified': lists(({ authorities }) =>
    authorities.filter(({ value }) => !isLevel(value)).map(({ value }) => printable(authorityText(value), 160)),
  ),
  'SBAT level': single(({ sbatLevel }) => sbatLevel?.value.date),
  'machine owner keys': things(({ objects }) =>
    objects.filter(({ pcr }) => pcr === 14).map(({ value }) => objectOf(value)),
  ),
  'boot loader': things(({ bootApplications }) => bootApplications.map(({ value }) => imageOf(value))),
  kernel: section('.linux'),
  'initial file system': (golden, actual) => {
    const sections = section('.initrd')(golden, actual);
    const files = things(loadedFiles)(golden, actual);
    return sections === undefined && files === undefined ? undefined : [...(sections ?? []), ...(files ?? [])];
  },
  'command line': commandLine,
  'loader commands': lists(({ loaderTexts }) =>
    loaderTexts.filter(({ value }) => value.role === 'grubCommand').map(({ value }) => printable(value.text, 120)),
  ),
  'other sections': otherSections,
};

/** Parts that are one value each. */
function single(of: (facts: ProvenFacts) => string | undefined): Comparison {
  return (golden, actual) => {
    const [before, now] = [of(golden), of(actual)];
    if (before === undefined && now === undefined) return undefined;
    return before === now ? [] : [`${before ?? 'not measured'} became ${now ?? 'not measured'}`];
  };
}

/** Parts that are many values each: what came and what went, however often. */
function lists(of: (facts: ProvenFacts) => readonly string[]): Comparison {
  return (golden, actual) => {
    const [before, now] = [of(golden), of(actual)];
    if (before.length === 0 && now.length === 0) return undefined;
    return [...told('added', surplus(now, before)), ...told('removed', surplus(before, now))];
  };
}

/** Values of a list that are not in the other one, each as often as it is too many. */
function surplus(list: readonly string[], other: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const each of other) counts.set(each, (counts.get(each) ?? 0) + 1);
  return list.filter((each) => {
    const left = counts.get(each) ?? 0;
    if (left > 0) counts.set(each, left - 1);
    return left === 0;
  });
}

function told(verb: string, values: readonly string[]): string[] {
  if (values.length === 0) return [];
  const more = values.length > named ? ` and ${values.length - named} more` : '';
  return [`${verb} ${values.slice(0, named).join(', ')}${more}`];
}

const flagNames = {
  secureBoot: 'Secure Boot',
  setupMode: 'setup mode',
  auditMode: 'audit mode',
  deployedMode: 'deployed mode',
} as const;

function flags(golden: ProvenFacts, actual: ProvenFacts): string[] | undefined {
  const names = Object.keys(flagNames) as (keyof typeof flagNames)[];
  const known = names.filter((name) => golden[name] !== undefined || actual[name] !== undefined);
  const state = (value: boolean | undefined) => (value === undefined ? 'not measured' : value ? 'on' : 'off');
  const texts = known.flatMap((name) => {
    const [before, now] = [state(golden[name]?.value), state(actual[name]?.value)];
    return before === now ? [] : [`${flagNames[name]} was ${before} and is ${now}`];
  });
  const actions = lists(({ actions }) => actions.map(({ value }) => printable(value, 120)))(golden, actual);
  return known.length === 0 && actions === undefined ? undefined : [...texts, ...(actions ?? [])];
}

function database(name: DatabaseVariable): Comparison {
  return (golden, actual) => {
    const [before, now] = [golden.databases[name]?.value, actual.databases[name]?.value];
    if (before === undefined && now === undefined) return undefined;
    if (before === undefined || now === undefined) return [`${before === undefined ? 'was' : 'is'} not measured`];
    if (hex(before.digest) === hex(now.digest)) return [];
    if (before.signatures === undefined || now.signatures === undefined) return ['other content'];
    const [old, current] = [before.signatures.map(signatureText), now.signatures.map(signatureText)];
    const texts = [...counted('added', surplus(current, old)), ...counted('removed', surplus(old, current))];
    return texts.length > 0 ? texts : ['the same entries in another order or of another owner'];
  };
}

function counted(verb: string, values: readonly string[]): string[] {
  if (values.length === 0) return [];
  const more = values.length > named ? ', ...' : '';
  const entries = values.length === 1 ? '1 entry' : `${values.length} entries`;
  return [`${entries} ${verb} (${values.slice(0, named).join(', ')}${more})`];
}

const isLevel = ({ variable }: Authority) => variable === 'SbatLevel';

const short = (bytes: Uint8Array) => hex(bytes.subarray(0, 8));

/** Something of which only the digest is proven. The log has a name for it, so the digest stands beside the name. */
interface Thing {
  readonly digest: Uint8Array;
  readonly name: string;
}

/** The last part of a device path is a file's name most of the time. */
const imageOf = ({ digest, unprovenPath }: BootImage): Thing => ({
  digest,
  name: printable(unprovenPath?.split('/').at(-1) ?? '', 120),
});

const objectOf = ({ digest, unprovenName }: MeasuredObject): Thing => ({ digest, name: printable(unprovenName, 120) });

/** Files of PCR 9; command lines that are measured there have a part of their own. */
const loadedFiles = ({ objects, commandLines }: ProvenFacts): Thing[] => {
  const lines = new Set(commandLines.map(({ event }) => event));
  return objects.filter(({ pcr, event }) => pcr === 9 && !lines.has(event)).map(({ value }) => objectOf(value));
};

const thingText = ({ digest, name }: Thing): string => `${short(digest)}${name === '' ? '' : ` called ${name}`}`;

/** Parts that are many things: those of one name that differ are told together. */
function things(of: (facts: ProvenFacts) => readonly Thing[]): Comparison {
  return (golden, actual) => {
    const [before, now] = [of(golden), of(actual)];
    if (before.length === 0 && now.length === 0) return undefined;
    const gone = surplusOf(before, now);
    const changed: string[] = [];
    const come = surplusOf(now, before).filter((each) => {
      const i = each.name === '' || gone.length > maxPairs ? -1 : gone.findIndex(({ name }) => name === each.name);
      if (i < 0) return true;
      const [was] = gone.splice(i, 1);
      changed.push(`${each.name} (was ${short(was!.digest)}, is ${short(each.digest)})`);
      return false;
    });
    return [
      ...told('changed', changed),
      ...told('added', come.map(thingText)),
      ...told('removed', gone.map(thingText)),
    ];
  };
}

function surplusOf(list: readonly Thing[], other: readonly Thing[]): Thing[] {
  const keys = new Set(surplus(list.map(thingText), other.map(thingText)));
  return list.filter((each) => keys.has(thingText(each)));
}

function section(name: string): Comparison {
  const of = (facts: ProvenFacts) =>
    facts.ukiSections.filter(({ value }) => value.name === name).map(({ value }) => short(value.digest));
  return (golden, actual) => {
    const [before, now] = [of(golden), of(actual)];
    if (before.length === 0 && now.length === 0) return undefined;
    if (before.join() === now.join()) return [];
    if (before.length === 0) return [`section ${name} added (${now.join(', ')})`];
    return [now.length === 0 ? `section ${name} removed` : `section ${name} was ${before.join()} and is ${now.join()}`];
  };
}

const sectionsOfTheirOwn = ['.linux', '.initrd', '.cmdline'];

function otherSections(golden: ProvenFacts, actual: ProvenFacts): string[] | undefined {
  const names = new Set([...golden.ukiSections, ...actual.ukiSections].map(({ value }) => value.name));
  const others = [...names].filter((name) => !sectionsOfTheirOwn.includes(name));
  const texts = others.map((name) => section(name)(golden, actual));
  return texts.length === 0 ? undefined : texts.flatMap((each) => each ?? []);
}

/** By parameters when both are readable, else by digest. */
function commandLine(golden: ProvenFacts, actual: ProvenFacts): string[] | undefined {
  const [before, now] = [golden.commandLines, actual.commandLines];
  if (before.length === 0 && now.length === 0) return undefined;
  const [old, current] = [parametersOf(golden), parametersOf(actual)];
  if (old !== undefined && current !== undefined) {
    return [...told('added', surplus(current, old)), ...told('removed', surplus(old, current))];
  }
  const digests = section('.cmdline')(golden, actual) ?? [];
  const options = lists(({ objects }) =>
    objects.filter(({ value }) => value.role === 'linuxLoadOptions').map(({ value }) => short(value.digest)),
  )(golden, actual);
  const loaders = lists((facts) => parametersIn(facts, ({ source }) => source === 'loader'))(golden, actual) ?? [];
  const texts = [...loaders, ...digests, ...(options ?? [])];
  if (texts.length === 0) return [];
  return [
    current === undefined ? texts.join('; ') : `${texts.join('; ')}; it is: ${printable(current.join(' '), 1000)}`,
  ];
}

/** The parameters of all command lines; undefined when one of them cannot be read. */
const parametersOf = (facts: ProvenFacts): string[] | undefined =>
  facts.commandLines.length === 0 || facts.commandLines.some(({ value }) => value.text === undefined)
    ? undefined
    : parametersIn(facts, () => true);

/** The parameters of some command lines; the same text counts once. */
function parametersIn({ commandLines }: ProvenFacts, wanted: (line: CommandLine) => boolean): string[] {
  const texts = commandLines.flatMap(({ value }) => (value.text !== undefined && wanted(value) ? [value.text] : []));
  return [...new Set(texts)].flatMap((text) => kernelParameters(text)).map(({ text }) => printable(text, 160));
}
