import { type Der, type Element, tags } from './der.ts';
import { latin1 } from './der-values.ts';
import { type Rdn, readName } from './distinguished-name.ts';

/** GeneralName (RFC 5280, 4.2.1.6) of the kinds that are understood; the others are told by their tag. */
export type GeneralName =
  | { readonly kind: 'dns' | 'email' | 'uri'; readonly text: string }
  | { readonly kind: 'ip'; readonly octets: Uint8Array }
  | { readonly kind: 'directory'; readonly name: readonly Rdn[] }
  | { readonly kind: 'other'; readonly tag: number };

/** More names than this stand in no certificate of a TPM. */
export const maxNames = 64;

const texts: Readonly<Record<number, 'email' | 'dns' | 'uri'>> = { 1: 'email', 2: 'dns', 6: 'uri' };

/** Reads GeneralNames. @throws {DecodeError} */
export const readGeneralNames = (names: Der): GeneralName[] =>
  [...names.rest('name', maxNames)].map((each) => readGeneralName(each));

/** Reads one GeneralName. @throws {DecodeError} */
export function readGeneralName(element: Element): GeneralName {
  const number = element.tag & 0x1f;
  const text = texts[number];
  if ((element.tag & 0xc0) !== 0x80) element.fail('expected a general name');
  if (text !== undefined) return { kind: text, text: latin1(element.value) };
  if (number === 7) return { kind: 'ip', octets: element.value };
  if (number !== 4) return { kind: 'other', tag: number };
  const inner = element.inside();
  const name = readName(inner.take(tags.sequence, 'directoryName'));
  inner.finish();
  return { kind: 'directory', name };
}
