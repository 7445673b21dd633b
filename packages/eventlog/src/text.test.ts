import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asciiText, printable, utf16Text, withoutNuls } from './text.ts';

test('texts lose the NULs at their end and nothing else', () => {
  assert.deepEqual(withoutNuls(Uint8Array.of(0, 1, 0, 0)), Uint8Array.of(0, 1));
  const wide = (text: string) => new Uint8Array(Buffer.from(text, 'utf16le'));
  for (const text of ['', 'a', 'a\u0100', '\u0100', 'a\0b']) assert.equal(utf16Text(wide(`${text}\0\0`)), text);
  assert.equal(utf16Text(Uint8Array.of(0x61, 0, 0x62)), 'a');
  assert.equal(asciiText(new Uint8Array(Buffer.from('v1\0'))), 'v1');
  assert.equal(asciiText(Uint8Array.of(0x61, 0, 0x62)), undefined);
});

test('control, formatting and unpaired characters are escaped, long text is cut', () => {
  assert.equal(printable('a\u001b\u202e\u2028\ud800b'), 'a\\u{1b}\\u{202e}\\u{2028}\\u{d800}b');
  assert.equal(printable('x'.repeat(9), 4), 'xxxx...');
});
