/** One value of DER (X.690, 10.1): identifier octet, definite length, contents. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer<ArrayBuffer> {
  const length = contents.reduce((sum, each) => sum + each.length, 0);
  const octets = length < 0x80 ? [length] : longForm(length);
  const whole = Buffer.alloc(1 + octets.length + length);
  whole.set([tag, ...octets]);
  let at = 1 + octets.length;
  for (const each of contents) {
    whole.set(each, at);
    at += each.length;
  }
  return whole;
}

function longForm(length: number): number[] {
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) octets.unshift(rest & 0xff);
  return [0x80 | octets.length, ...octets];
}

/** The contents of an INTEGER: as few octets of two's complement as there can be (X.690, 8.3). */
export function shortest(number: Uint8Array): Uint8Array {
  let at = 0;
  while (at < number.length - 1 && number[at] === 0 && number[at + 1]! < 0x80) at++;
  return number.subarray(at);
}

/** A Big Integer of a number that is not negative: octets in front until they are a multiple of eight (KMIP 1.4, 9.1.1). */
export function bigInteger(number: Uint8Array): Uint8Array {
  const signed = number.length > 0 && number[0]! >= 0x80 ? number.length + 1 : number.length;
  const whole = new Uint8Array(Math.max(8, Math.ceil(signed / 8) * 8));
  whole.set(number, whole.length - number.length);
  return whole;
}

/** A number that is not negative, in exactly so many octets. @throws {RangeError} when it is larger */
export function fixed(number: Uint8Array, octets: number): Uint8Array {
  const bare = number.subarray(
    Math.max(
      0,
      number.findIndex((octet) => octet !== 0),
    ),
  );
  if (bare.length > octets) throw new RangeError(`a number of ${bare.length} octets, expected ${octets}`);
  const whole = new Uint8Array(octets);
  whole.set(bare, octets - bare.length);
  return whole;
}
