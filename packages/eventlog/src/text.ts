/** The bytes before the NULs at the end. A loop: a regular expression for this needs quadratic time on hostile text. */
export function withoutNuls(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return bytes.subarray(0, end);
}

/** UTF-16LE text without the NULs at its end; an odd last byte is left out. */
export function utf16Text(bytes: Uint8Array): string {
  const even = bytes.length & ~1;
  // A last character such as U+0100 ends in a NUL byte of its own.
  const end = Math.min(even, (withoutNuls(bytes.subarray(0, even)).length + 1) & ~1);
  return Buffer.from(bytes.subarray(0, end)).toString('utf16le');
}

/** The text of an ASCII string with or without NUL at its end; undefined when it holds anything unprintable. */
export function asciiText(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(withoutNuls(bytes)).toString('latin1');
  return /^[\x20-\x7e\t\n]*$/.test(text) ? text : undefined;
}

/** Text that is safe to print on a terminal: control and formatting characters are escaped, the length is bounded. */
export function printable(text: string, max = 400): string {
  const cut = text.length > max ? `${text.slice(0, max)}...` : text;
  return cut.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);
}
