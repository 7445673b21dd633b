import { decode } from '@vouchsafe/bytes/codec';
import { hex } from '@vouchsafe/bytes/hex';
import { TpmsAttest, tpmGeneratedValue } from './attest.ts';
import { matchTemplate } from './ek-template.ts';
import { nameOf } from './name.ts';
import { decodePublic } from './public.ts';

/** A value that JSON can carry: bytes are lower-case hexadecimal, 64-bit numbers are decimal strings. */
export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };

/**
 * A readable view of a bare TPMS_ATTEST. Nothing is verified: `generated` only says whether magic is
 * TPM_GENERATED_VALUE.
 * @throws {DecodeError}
 */
export function inspectAttest(bytes: Uint8Array): Plain {
  const attest = decode(TpmsAttest, bytes);
  return plain({ ...attest, magic: `0x${attest.magic.toString(16)}`, generated: attest.magic === tpmGeneratedValue });
}

/**
 * A readable view of a bare TPMT_PUBLIC: the attributes that are set, its Name, and the EK template it equals.
 * @throws {DecodeError}
 */
export function inspectPublic(publicArea: Uint8Array): Plain {
  const area = decodePublic(publicArea);
  const set = Object.entries(area.objectAttributes).filter(([, value]) => value);
  return plain({
    ...area,
    objectAttributes: set.map(([name]) => name),
    name: area.nameAlg === 'null' ? null : nameOf(publicArea),
    ekTemplate: matchTemplate(area)?.name ?? null,
  });
}

function plain(value: unknown): Plain {
  if (value instanceof Uint8Array) return hex(value);
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) {
    const present = Object.entries(value).filter(([, each]) => each !== undefined);
    return Object.fromEntries(present.map(([key, each]) => [key, plain(each)]));
  }
  return value as string | number | boolean | null;
}
