/** Stands before a line of the administrator that ours replaces. */
const mark = '#vouchsafe# ';
const begin = '# begin vouchsafe host setup';
const end = '# end vouchsafe host setup';

/** Value of the setting in the text of a libvirt configuration file; the last one counts. */
export function setting(text: string, name: string): string | undefined {
  const lines = [...text.matchAll(/^\s*([a-z_0-9]+)\s*=\s*(.*?)\s*$/gm)].filter(([, key]) => key === name);
  return lines.at(-1)?.[2]?.replace(/^"(.*)"$/, '$1');
}

/**
 * The text with these settings in a block at its end. Lines of the administrator that say otherwise are kept as
 * comments, all others stay untouched.
 */
export function withSettings(text: string, wanted: Readonly<Record<string, string>>): string {
  const lines = withoutSettings(text)
    .split('\n')
    .map((line) => (Object.hasOwn(wanted, settingOf(line)) ? mark + line : line));
  if (lines.at(-1) === '') lines.pop();
  const block = Object.entries(wanted).map(([name, value]) => `${name} = "${value}"`);
  return [...lines, begin, ...block, end, ''].join('\n');
}

/** The text as it was before `withSettings`, with every change the administrator made since. */
export function withoutSettings(text: string): string {
  const lines = text.split('\n');
  const [from, to] = [lines.indexOf(begin), lines.indexOf(end)];
  if (from >= 0 && to > from) lines.splice(from, to - from + 1);
  return lines.map((line) => (line.startsWith(mark) ? line.slice(mark.length) : line)).join('\n');
}

const settingOf = (line: string): string => line.match(/^\s*([a-z_0-9]+)\s*=/)?.[1] ?? '';
