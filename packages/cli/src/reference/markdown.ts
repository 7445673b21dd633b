/** Heading, and the sentence that tells where the page comes from. */
export const page = (title: string, source: string, ...parts: readonly string[]): string =>
  `${[`# ${title}`, `<!-- Made by \`node deploy/reference.ts\` from ${source}. Do not edit. -->`, ...parts].join('\n\n')}\n`;

/** A table; bars inside cells are escaped. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(columns), `|${columns.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

export const code = (text: string): string => `\`${text}\``;
