import { Problem } from '@vouchsafe/domain/problem';

/** A paragraph of fields; names in lower case, lines of a value separated by line feeds. */
export type Paragraph = ReadonlyMap<string, string>;

const maxParagraph = 4 * 1024 * 1024;

/**
 * The paragraphs of a control file (Debian Policy 5.1; deb822(5)), one by one: an archive has 65,000 of them.
 * @throws {Problem} `input.malformed` naming the line
 */
export function* paragraphs(what: string, text: string): Generator<Paragraph> {
  let [fields, name, size, number] = [new Map<string, string>(), '', 0, 0];
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at);
    const line = text.slice(at, end < 0 ? text.length : end).replace(/\r$/, '');
    at = end < 0 ? text.length : end + 1;
    number++;
    const bad = (why: string) => new Problem('input.malformed', `${what}: line ${number}: ${why}`);
    if (/^[ \t]*$/.test(line)) {
      if (fields.size > 0) yield fields;
      [fields, name, size] = [new Map(), '', 0];
      continue;
    }
    size += line.length;
    if (size > maxParagraph) throw bad(`a paragraph of more than ${maxParagraph} characters`);
    if (line.startsWith('#')) continue;
    if (/^[ \t]/.test(line)) {
      if (name === '') throw bad('goes on without a field before it');
      fields.set(name, `${fields.get(name)}\n${line.trim()}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0) throw bad('expected FIELD: VALUE');
    name = line.slice(0, colon).toLowerCase();
    if (fields.has(name)) throw bad(`field ${name.slice(0, 64)} stands there twice`);
    fields.set(name, line.slice(colon + 1).trim());
  }
  if (fields.size > 0) yield fields;
}
