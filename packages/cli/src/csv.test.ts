import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CsvError, readCsv } from './csv.ts';

const read = (text: string) => [...readCsv(text)].map(({ line, fields }) => [line, ...fields]);

test('fields, quotes, line ends and empty lines', () => {
  assert.deepEqual(read('a,b\n1,2\n'), [
    [1, 'a', 'b'],
    [2, '1', '2'],
  ]);
  assert.deepEqual(read('\ufeffa, b \r\n\r\n1,'), [
    [1, 'a', 'b'],
    [3, '1', ''],
  ]);
  assert.deepEqual(read('"a ""x"", y","line\nend"\nz,1'), [
    [1, 'a "x", y', 'line\nend'],
    [3, 'z', '1'],
  ]);
  assert.deepEqual(read(''), []);
  assert.deepEqual(read('\n\n'), []);
  assert.deepEqual(read(',\n'), [[1, '', '']]);
});

test('quotes in wrong places are told with their line', () => {
  for (const text of ['a\nb"c,d', 'a\n"b', 'a\n"b"c', 'a\n"b" ,c']) {
    assert.throws(
      () => read(text),
      (error) => error instanceof CsvError && error.line === 2,
      text,
    );
  }
});

test('a text of nothing but quotes or commas takes time in proportion', () => {
  const size = 200_000;
  assert.throws(() => read('"'.repeat(size + 1)), CsvError);
  assert.equal(read(','.repeat(size))[0]?.length, size + 2);
});
