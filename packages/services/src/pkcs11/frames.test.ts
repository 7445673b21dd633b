import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFrame, FrameReader, frameLimit } from './frames.ts';

const sample = { head: { id: 1, ask: 'find-key', key: { label: 'ä' } }, body: Uint8Array.of(1, 2, 3) };
const read = (...chunks: Uint8Array[]) => {
  const reader = new FrameReader();
  return chunks.flatMap((chunk) => [...reader.push(Uint8Array.from(chunk))]);
};

test('frames come back as they went, in one piece, octet by octet and several at once', () => {
  const wire = encodeFrame(sample);
  assert.deepEqual(read(wire), [sample]);
  assert.deepEqual(read(...Array.from(wire, (octet) => Uint8Array.of(octet))), [sample]);
  assert.deepEqual(read(Buffer.concat([wire, wire, wire.subarray(0, 7)])), [sample, sample]);
});

test('what was handed on is wiped', () => {
  const chunk = Uint8Array.from(encodeFrame(sample));
  const [frame] = [...new FrameReader().push(chunk)];
  assert.ok(chunk.every((octet) => octet === 0));
  assert.deepEqual(frame, sample);
});

test('a frame that is cut short is waited for', () => {
  const wire = encodeFrame(sample);
  for (let length = 0; length < wire.length; length++) assert.deepEqual(read(wire.subarray(0, length)), []);
});

const framed = (head: string, headLength = head.length) => {
  const frame = Buffer.alloc(6 + head.length);
  frame.writeUInt32BE(2 + head.length);
  frame.writeUInt16BE(headLength, 4);
  frame.write(head, 6);
  return frame;
};
const malformed: [what: string, wire: Uint8Array, error: RegExp][] = [
  ['too long', Uint8Array.of(0xff, 0xff, 0xff, 0xff), /length of a frame: 4294967295/],
  ['over the limit by one', Buffer.from((frameLimit + 1).toString(16).padStart(8, '0'), 'hex'), /length of a frame/],
  ['without room for a head', Uint8Array.of(0, 0, 0, 1, 0), /length of a frame: 1/],
  ['a head longer than the frame', framed('{}', 3), /length of a head/],
  ['no JSON', framed('{'), /JSON/],
  ['an empty head', framed(''), /JSON/],
  ['an array', framed('[]'), /expected a JSON object/],
  ['null', framed('null'), /expected a JSON object/],
];
for (const [what, wire, error] of malformed) test(`refused: ${what}`, () => assert.throws(() => read(wire), error));

test('nothing longer than the limit is sent', () => {
  assert.throws(() => encodeFrame({ head: {}, body: new Uint8Array(frameLimit) }), RangeError);
  assert.throws(() => encodeFrame({ head: { text: 'x'.repeat(70_000) }, body: new Uint8Array() }), RangeError);
});
