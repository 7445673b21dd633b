import { concat, hex } from '@vouchsafe/bytes/hex';
import { algorithms, type Bank, digest } from '../algorithms.ts';
import { originalData } from '../ima/log.ts';

/** An entry for an IMA log made in a test. The digest's algorithm follows from its size. */
export interface ImaInput {
  readonly template: string;
  readonly digest: Uint8Array;
  readonly name: string;
  readonly signature?: Uint8Array;
  readonly buffer?: Uint8Array;
  readonly modsig?: Uint8Array;
  readonly violation?: boolean;
}

const utf8 = (text: string) => new Uint8Array(Buffer.from(text));
const length = (n: number) => new Uint8Array(Uint32Array.of(n).buffer);
const sized = (bytes: Uint8Array) => concat(length(bytes.length), bytes);

const algorithmOf = (value: Uint8Array) => Object.entries(algorithms).find(([, { size }]) => size === value.length)![0];

/** The fields as they stand in template data. */
function fields(input: ImaInput): Uint8Array[] {
  const tagged = concat(utf8(`${algorithmOf(input.digest)}:\0`), input.digest);
  const list: Uint8Array[] = [tagged, utf8(`${input.name}\0`)];
  if (input.signature) list.push(input.signature);
  if (input.buffer) list.push(input.buffer);
  if (input.modsig) list.push(input.modsig.length > 0 ? tagged : new Uint8Array(), input.modsig);
  return list;
}

const hashed = (input: ImaInput) =>
  input.template === 'ima' ? originalData(input.digest, utf8(input.name)) : concat(...fields(input).map(sized));

const templateHash = (input: ImaInput, bank: Bank) =>
  input.violation ? new Uint8Array(algorithms[bank].size) : digest(bank, hashed(input));

/** An IMA log in binary form, all entries in PCR 10. */
export const buildIma = (inputs: readonly ImaInput[], hashBank: Bank = 'sha1'): Uint8Array<ArrayBuffer> =>
  concat(
    ...inputs.flatMap((input) => [
      length(10),
      templateHash(input, hashBank),
      sized(utf8(input.template)),
      input.template === 'ima' ? concat(input.digest, sized(utf8(input.name))) : sized(hashed(input)),
    ]),
  );

/** The same log as text. */
export const buildImaText = (inputs: readonly ImaInput[]): Uint8Array<ArrayBuffer> =>
  utf8(inputs.map((input) => `10 ${hex(templateHash(input, 'sha1'))} ${input.template} ${columns(input)}\n`).join(''));

function columns(input: ImaInput): string {
  if (input.template === 'ima') return `${hex(input.digest)} ${input.name}`;
  const tagged = `${algorithmOf(input.digest)}:${hex(input.digest)}`;
  const list = [tagged, input.name];
  if (input.signature) list.push(hex(input.signature));
  if (input.buffer) list.push(hex(input.buffer));
  if (input.modsig) list.push(input.modsig.length > 0 ? tagged : '', hex(input.modsig));
  return list.join(' ');
}
