import { Problem } from '../problem.ts';

const longest = 253;
/** RFC 1123, 2.1: letters, digits and hyphens, up to 63 of them between dots. */
const label = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
const allowed = /[A-Za-z0-9.-]/;

/**
 * A name for a host as administrators give it. Names are labels: nothing is decided by them, but they stand in logs,
 * tokens and on screens, and two that look alike would be taken for one another.
 * @throws {Problem} `input.invalid` naming the field and the character, never the text
 */
export function checkHostName(name: string, field = 'name'): string {
  const refuse = (why: string): never => {
    throw new Problem('input.invalid', `${field}: expected a host name (RFC 1123, 2.1): ${why}`);
  };
  if (name.length > longest) refuse(`${name.length} characters, at most ${longest} are allowed`);
  const at = [...name].findIndex((character) => !allowed.test(character));
  if (at >= 0)
    refuse(`${codePoint([...name][at]!)} at position ${at + 1}, only letters, digits, hyphens and dots are allowed`);
  if (!name.split('.').every((part) => label.test(part)))
    refuse('each part between dots begins and ends with a letter or digit and has at most 63 characters');
  return name;
}

const codePoint = (character: string): string =>
  `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;

const scope = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** The name of a trusted cluster. @throws {Problem} `input.invalid` */
export function checkScope(name: string): string {
  if (!scope.test(name))
    throw new Problem('input.invalid', 'scope: expected up to 128 letters, digits, dots, hyphens and underscores');
  return name;
}
