import { createHash } from 'node:crypto';
import Type, { type Static } from 'typebox';
import { parseJson, validator } from '../parse.ts';
import { Problem } from '../problem.ts';
import { BaseImage } from './base-image.ts';

/** Longest statement or signature beside an image, in characters. */
export const maxStatement = 16_384;

/**
 * A base image as a file, with the word of an Attestation Service that a genuine TPM had these values (version 2).
 * Version 1 is the bare image.
 */
export const ImageFile = Type.Object(
  {
    v: Type.Literal(2),
    image: BaseImage,
    /** A capture statement, see `capture-statement.ts`. */
    capture: Type.Optional(Type.String({ maxLength: maxStatement })),
  },
  { additionalProperties: false },
);
export type ImageFile = Static<typeof ImageFile>;

/** What stands in the octets of an image file. */
export interface ReadImageFile {
  readonly image: BaseImage;
  readonly capture: string | undefined;
  /** Of the octets, in hexadecimal: names exactly this file. */
  readonly sha256: string;
}

/**
 * Reads an image file of either version.
 * @throws {Problem} `input.malformed` when it is no JSON in UTF-8 or a name stands twice, `input.invalid` naming the field
 */
export function readImageFile(what: string, octets: Uint8Array): ReadImageFile {
  const value = parseJson(what, textOf(what, octets));
  const sha256 = createHash('sha256').update(octets).digest('hex');
  if ((value as { v?: unknown } | null)?.v === 2) {
    const { image, capture } = validator(what, ImageFile)(value);
    return { image, capture, sha256 };
  }
  return { image: validator(what, BaseImage)(value), capture: undefined, sha256 };
}

function textOf(what: string, octets: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  } catch (cause) {
    throw new Problem('input.malformed', `${what}: not UTF-8`, { cause });
  }
}
