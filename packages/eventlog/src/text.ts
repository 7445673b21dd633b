/** UTF-16LE text without the NULs at its end; an odd last byte is left out. */
export const utf16Text = (bytes: Uint8Array): string =>
  Buffer.from(bytes.subarray(0, bytes.length & ~1))
    .toString('utf16le')
    .replace(/\0+$/, '');

/** The text of an ASCII string with or without NUL at its end; undefined when it holds anything unprintable. */
export function asciiText(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes).toString('latin1').replace(/\0+$/, '');
  return /^[\x20-\x7e\t\n]*$/.test(text) ? text : undefined;
}

/** Text that is safe to print on a terminal: control and formatting characters are escaped, the length is bounded. */
export function printable(text: string, max = 400): string {
  const cut = text.length > max ? `${text.slice(0, max)}...` : text;
  return cut.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);
}
