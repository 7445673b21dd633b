import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptsAll, compileGlob, GlobError, globMatches } from './glob.ts';

const matches = (pattern: string, text: string) => globMatches(compileGlob(pattern), text);

test('a glob stands for the whole text, and * and ? stop at a slash', () => {
  const table: [string, string[], string[]][] = [
    ['/var/log/*', ['/var/log/', '/var/log/syslog'], ['/var/log', '/var/log/a/b', 'x/var/log/a', '/var/log\n']],
    ['/var/log/**', ['/var/log/', '/var/log/a/b', '/var/log/a\nb'], ['/var/log', '/var/logs']],
    ['/a/**/b', ['/a/x/b', '/a/x/y/b', '/a//b'], ['/a/b', '/a/xb']],
    ['/run/user/?', ['/run/user/0'], ['/run/user/', '/run/user/10', '/run/user//']],
    ['*.pyc', ['.pyc', 'a.pyc', 'a.pyc.pyc'], ['a/b.pyc', 'a.pyo']],
    ['**.pyc', ['a/b.pyc'], ['a/b.py']],
    ['/tmp/[a-c]x', ['/tmp/ax', '/tmp/cx'], ['/tmp/dx', '/tmp/x']],
    ['/tmp/[!a-c]x', ['/tmp/dx'], ['/tmp/ax', '/tmp//x']],
    ['/tmp/[^.]*', ['/tmp/a'], ['/tmp/.a', '/tmp/']],
    ['[-a\\]]', ['-', 'a', ']'], ['b', '\\']],
    ['\\*\\?\\[', ['*?['], ['abc']],
    ['a?c', ['aäc', 'a😀c'], ['ac']],
    ['a*b*c', ['abc', 'aXbYc', 'abbcc'], ['ab', 'acb']],
    ['/plain', ['/plain'], ['/plai', '/plainer']],
  ];
  for (const [pattern, yes, no] of table) {
    for (const text of yes) assert.equal(matches(pattern, text), true, `${pattern} ${JSON.stringify(text)}`);
    for (const text of no) assert.equal(matches(pattern, text), false, `${pattern} ${JSON.stringify(text)}`);
  }
});

test('a pattern that is no glob is refused by name', () => {
  const table: [string, RegExp][] = [
    ['', /empty text/],
    ['a'.repeat(513), /513 characters, limit 512/],
    ['a***', /three stars at character 2/],
    ['a[b', /\[ at character 2 without \]/],
    ['a[', /\[ at character 2 without \]/],
    ['[]', /\[\] at character 1/],
    ['[!]', /\[\] at character 1/],
    ['[z-a]', /ends before it begins/],
    ['[\\', /without \]/],
    ['a\\', /ends in a backslash/],
  ];
  for (const [pattern, message] of table)
    assert.throws(() => compileGlob(pattern), { name: GlobError.name, message }, pattern);
});

test('the worst patterns cost their length for each character, and no more', () => {
  const table: [string, string][] = [
    ['a*'.repeat(200), 'a'.repeat(4000)],
    ['**a'.repeat(150), 'a'.repeat(4000)],
    [`${'*[!b]'.repeat(80)}c`, 'a'.repeat(4000)],
    [`${'?*'.repeat(200)}c`, 'a'.repeat(4000)],
  ];
  for (const [pattern, text] of table) {
    let places = 0;
    const glob = compileGlob(pattern);
    globMatches(glob, text, (n) => {
      places += n;
    });
    assert.ok(places <= text.length * (glob.tokens.length + 1), `${pattern.slice(0, 10)}: ${places} places`);
    assert.ok(places > 0);
  }
});

test('it gives what a plain recursive reading gives', () => {
  const alphabet = ['a', 'b', '/', '*', '?', '**', '[ab]', '[!a]'];
  let state = 7;
  const below = (n: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % n;
  };
  for (let run = 0; run < 20_000; run++) {
    const words = Array.from({ length: 1 + below(6) }, () => alphabet[below(alphabet.length)]!);
    // Stars side by side would be read as other stars.
    if (words.some((word, i) => word.startsWith('*') && words[i + 1]?.startsWith('*'))) continue;
    const text = Array.from({ length: below(8) }, () => 'ab/'[below(3)]!).join('');
    assert.equal(matches(words.join(''), text), plainly(words, text), `${words.join('')} ${text}`);
  }
});

/** A second reading of the same words, by trying everything. */
function plainly([word, ...rest]: readonly string[], text: string): boolean {
  if (word === undefined) return text === '';
  const head = text[0];
  if (word === '*' || word === '**') {
    const more = head !== undefined && (word === '**' || head !== '/');
    return plainly(rest, text) || (more && plainly([word, ...rest], text.slice(1)));
  }
  if (head === undefined) return false;
  const one: Record<string, boolean> = {
    '?': head !== '/',
    '[ab]': head === 'a' || head === 'b',
    '[!a]': head === 'b',
  };
  return (one[word] ?? word === head) && plainly(rest, text.slice(1));
}

test('globs that name nothing are known', () => {
  for (const pattern of ['*', '**', '/**', '/*', '/*/**', '/?*', '/[!x]**', '?', '//**']) {
    assert.equal(acceptsAll(compileGlob(pattern)), true, pattern);
  }
  for (const pattern of ['/a', '/var/**', '**/a', '/[!x]a', '\\*']) {
    assert.equal(acceptsAll(compileGlob(pattern)), false, pattern);
  }
});
