import type { CommandLine } from '@vouchsafe/eventlog/facts/command-line';
import type { Fact } from '@vouchsafe/eventlog/facts/fact';
import { type KernelParameter, kernelParameters, sameName } from '@vouchsafe/eventlog/kernel-parameters';
import type { ProvenFacts } from '@vouchsafe/eventlog/proven';
import { printable } from '@vouchsafe/eventlog/text';
import Type from 'typebox';
import { type Breach, rule } from './rule.ts';
import { Globs, lintGlobs, matcher } from './values.ts';

/** A name is written with `-` or `_`, whatever the reader of a parameter calls it. */
function normal(parameter: string): string {
  const equals = parameter.indexOf('=');
  return equals < 0 ? sameName(parameter) : sameName(parameter.slice(0, equals)) + parameter.slice(equals);
}

/** Whether a parameter matches one of the patterns and none that begins with `!`. */
function matches(patterns: readonly string[], parameter: string): boolean {
  const text = normal(parameter);
  const [but, wanted] = [
    patterns.filter((each) => each.startsWith('!')),
    patterns.filter((each) => !each.startsWith('!')),
  ];
  return (
    wanted.some((pattern) => matcher(normal(pattern))(text)) &&
    !but.some((pattern) => matcher(normal(pattern.slice(1)))(text))
  );
}

type Readable = Fact<CommandLine> & { readonly value: { readonly text: string } };

/** Kernel image and kernel often measure the same text: it is judged once. */
const readableLines = ({ commandLines }: ProvenFacts): Readable[] =>
  commandLines
    .filter((each): each is Readable => each.value.text !== undefined)
    .filter(({ value }, i, all) => all.findIndex((other) => other.value.text === value.text) === i);

/** What a rule about all parameters cannot judge. */
function unreadableBreaches({ commandLines }: ProvenFacts): Breach[] {
  if (commandLines.length === 0) return [{ detail: 'no command line was measured, so nothing is proven of it' }];
  return commandLines
    .filter(({ value }) => value.text === undefined)
    .map(({ pcr, event }) => ({ detail: `only the digest of the command line in PCR ${pcr} is proven`, pcr, event }));
}

/**
 * Every way in which a text is split by those who act upon it: the kernel; shell scripts of an initrd, which know no
 * quotes; service managers, which know single quotes as well.
 */
function everySplit(text: string): string[] {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const bare = words.map((word) => word.replaceAll(/["']/g, ''));
  return [...new Set([...kernelParameters(text).map(({ text: each }) => each), ...words, ...bare])];
}

const lint = (patterns: readonly string[]): string | undefined =>
  lintGlobs(patterns) ??
  (patterns.length > 0 && patterns.every((pattern) => pattern.startsWith('!'))
    ? 'there are only exceptions (!), and nothing that they are exceptions of'
    : undefined);

/** What gives whoever stands at the console, or edits a boot entry, a shell or an open kernel. */
const dangerous = [
  // Another first program: in the initrd, or in its place.
  'init=*',
  '!init=/sbin/init',
  '!init=/usr/sbin/init',
  '!init=/lib/systemd/systemd',
  '!init=/usr/lib/systemd/systemd',
  'rdinit=*',
  // A shell in the initrd: dracut and initramfs-tools.
  'rd.break',
  'rd.break=*',
  'break',
  'break=*',
  'rd.shell',
  'rd.shell=1',
  'rd.shell=yes',
  // A shell as root, or single-user mode: systemd and sysvinit.
  'systemd.debug-shell*',
  'rd.systemd.debug-shell*',
  '!*systemd.debug-shell=0',
  '!*systemd.debug-shell=no',
  '!*systemd.debug-shell=off',
  '!*systemd.debug-shell=false',
  'systemd.unit=rescue*',
  'systemd.unit=emergency*',
  'rd.systemd.unit=rescue*',
  'rd.systemd.unit=emergency*',
  'systemd.wants=debug-shell*',
  'systemd.run=*',
  'systemd.setenv=SYSTEMD_SULOGIN_FORCE=*',
  'SYSTEMD_SULOGIN_FORCE=*',
  'rescue',
  'emergency',
  'single',
  's',
  'S',
  '1',
  '-b',
  // Memory of the host, keys included, is written to disk when the kernel crashes.
  'crashkernel=*',
  // A kernel without its own guards.
  'module.sig_enforce=0',
  'lockdown=none',
  'ima_appraise=off',
  'sysctl.kernel.kexec_load_disabled=0',
  // Further parameters from a file in the initrd, which this list would not see.
  'bootconfig',
];

export const cmdlineForbidden = rule({
  help: 'No parameter of the kernel command line matches one of these globs; a glob behind ! is an exception.',
  stops: 'a shell before the system has started, memory dumps on disk, a kernel without its guards',
  advice: 'remove the parameter from the boot entry; if it is meant, take its glob out of the rule',
  needs: 'the text of the command line; see cmdline.unreadable',
  schema: Globs,
  default: dangerous,
  check: (patterns, { facts }) =>
    readableLines(facts).flatMap(({ value, pcr, event }) =>
      everySplit(value.text)
        .filter((parameter) => matches(patterns, parameter))
        .map((parameter) => ({ detail: `the command line has ${printable(parameter, 200)}`, pcr, event })),
    ),
  lint,
});

export const cmdlineRequired = rule({
  help: 'For each of these globs the kernel command line has a parameter, and no other parameter of that name.',
  stops: 'a kernel without the guards that you ask for, such as lockdown= or ima_policy=',
  advice: 'add the parameter to the boot entry, and capture a new image',
  needs: 'the text of every measured command line',
  schema: Globs,
  default: [],
  check(patterns, { facts }) {
    const lines = readableLines(facts);
    const unread = unreadableBreaches(facts);
    if (unread.length > 0) return unread;
    const parameters = lines.flatMap(({ value }) => kernelParameters(value.text)).filter(({ forInit }) => !forInit);
    return patterns.flatMap((pattern) => requiredBreach(pattern, parameters));
  },
  lint,
});

/** The last parameter of a name counts for most readers, the first for some: all of them must be right. */
function requiredBreach(pattern: string, parameters: readonly KernelParameter[]): Breach[] {
  const name = sameName(pattern.split('=')[0] ?? pattern);
  const fits = matcher(normal(pattern));
  const alike = parameters.filter((parameter) => sameName(parameter.name) === name || fits(normal(parameter.text)));
  if (alike.length === 0) return [{ detail: `the command line lacks ${pattern}` }];
  return alike
    .filter(({ text }) => !fits(normal(text)))
    .map(({ text }) => ({ detail: `the command line has ${printable(text, 200)} where ${pattern} is asked for` }));
}

export const cmdlineAllowed = rule({
  help: 'Every parameter of the kernel command line matches one of these globs; empty: any.',
  stops: 'a parameter that nobody thought of',
  advice: 'remove the parameter from the boot entry, or add a glob for it to the rule',
  needs: 'the text of every measured command line',
  schema: Globs,
  default: [],
  check: (patterns, { facts }) => [
    ...unreadableBreaches(facts),
    ...readableLines(facts).flatMap(({ value, pcr, event }) =>
      kernelParameters(value.text)
        .filter(({ text }) => !matches(patterns, text))
        .map(({ text }) => ({ detail: `the command line has ${printable(text, 200)}`, pcr, event })),
    ),
  ],
  lint,
});

/** A command line of which only the digest is known breaks nothing by itself: an image holds the same digest. */
export const cmdlineUnreadable = rule({
  help: 'image: a command line of which only the digest is known is taken as that of the image. refuse: every command line must be readable.',
  stops: 'a command line that nobody can read, and that the rules about it therefore cannot judge',
  advice: 'update the agent, which sends the command line for comparison; capture the image anew with it',
  needs: 'the text of every measured command line',
  schema: Type.Union([Type.Literal('image'), Type.Literal('refuse')]),
  default: 'image',
  check(what, { facts, image }) {
    const breaches = unreadableBreaches(facts);
    if (what === 'refuse') return breaches;
    // Without an image nothing stands behind the digest; the boot is refused for that already.
    return breaches
      .filter(({ event }) => event !== undefined && image !== undefined)
      .map(({ detail, ...at }) => ({
        ...at,
        detail: `${detail}; it is that of base image ${image?.name}`,
        severity: 'info' as const,
      }));
  },
});
