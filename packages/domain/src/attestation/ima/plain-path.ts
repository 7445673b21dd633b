/**
 * Whether a name in an IMA log is a path that rules may speak of: absolute, without empty, `.` or `..` parts, without
 * control characters, valid UTF-8. The kernel logs other names as well: only the last part of a file on a detached
 * mount, names of buffers. A rule must not match those, nor a name made to look like two.
 */
export const isPlainPath = (name: string): boolean =>
  name.length > 1 && name.startsWith('/') && !/[\p{Cc}\u2028\u2029\u{fffd}]|\/\/|\/\.{1,2}(?:\/|$)|\/$/u.test(name);

const maxShown = 200;

/** A name from a log as it may be shown: one line, nothing that a terminal obeys, bounded. */
export function shownName(name: string): string {
  const start = name.length > maxShown ? `${name.slice(0, maxShown)}...` : name;
  return start.replaceAll(/[\p{C}\p{Zl}\p{Zp}\\]/gu, (char) =>
    char === '\\' ? '\\\\' : `\\u{${char.codePointAt(0)!.toString(16)}}`,
  );
}
