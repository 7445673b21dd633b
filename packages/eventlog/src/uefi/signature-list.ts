import { type Codec, decode, encode, type Infer, rest, struct, u32le, untilEnd } from '@vouchsafe/bytes/codec';
import { hex } from '@vouchsafe/bytes/hex';
import { digest } from '../algorithms.ts';
import { Guid, guidBytes, guidText } from './guid.ts';

/** Signature types (UEFI 2.10, 32.4.1) with the size of one entry's data, where it is fixed. */
export const signatureTypes = {
  'a5c059a1-94e4-4aa7-87b5-ab155c2bf072': { name: 'x509', size: undefined },
  'c1c41626-504c-4092-aca9-41f936934328': { name: 'sha256', size: 32 },
  '826ca512-cf10-4ac9-b187-be01496631bd': { name: 'sha1', size: 20 },
  'ff3e5307-9fd0-48c9-85f1-8ad56c701e01': { name: 'sha384', size: 48 },
  '093e0fae-a6c4-4f50-9f1b-d41e2b89c19a': { name: 'sha512', size: 64 },
  '3c5766e8-269c-4e34-aa14-ed776e85b3b6': { name: 'rsa2048', size: 256 },
  'e2b36190-879b-4a3d-ad8d-f2e7bba32784': { name: 'rsa2048-sha256', size: 256 },
  '3bd2a492-96c0-4079-b420-fcf98ef103ed': { name: 'x509-sha256', size: 48 },
  '7076876e-80c2-4ee6-aad2-28b349a6865b': { name: 'x509-sha384', size: 64 },
  '446dbf63-2502-4cda-bcfa-2465d2b0fe9d': { name: 'x509-sha512', size: 80 },
  '4aafd29d-68df-49ee-8aa9-347d375665a7': { name: 'pkcs7', size: undefined },
} as const satisfies Record<string, { name: string; size: number | undefined }>;

/** Name of a signature type, or the GUID of an unknown one. */
export type SignatureType = (typeof signatureTypes)[keyof typeof signatureTypes]['name'] | (string & {});

/** One entry of PK, KEK, db or dbx. `data` is a certificate (DER), a digest, ... by `type`. */
export interface Signature {
  readonly type: SignatureType;
  readonly owner: string;
  readonly data: Uint8Array;
}

const headSize = 28;
const ownerSize = 16;
const maxBytes = 2 ** 20;
const maxLists = 1024;
const maxSignatures = 65_536;

/** EFI_SIGNATURE_LIST without its header bytes and entries; all sizes in bytes. */
const SignatureListHead = struct('EFI_SIGNATURE_LIST', {
  signatureType: Guid,
  signatureListSize: u32le,
  signatureHeaderSize: u32le,
  signatureSize: u32le,
});
type ListHead = Infer<typeof SignatureListHead>;

const SignatureList: Codec<Signature[]> = {
  name: 'EFI_SIGNATURE_LIST',
  read(reader) {
    const at = reader.offset;
    const head = SignatureListHead.read(reader, {});
    const problem = sizeProblem(head);
    if (problem !== undefined) reader.fail(problem, at);
    const body = reader.window(head.signatureListSize - headSize);
    body.take(head.signatureHeaderSize);
    const type = typeName(head);
    const signatures: Signature[] = [];
    while (body.left > 0) {
      const owner = guidText(body.take(ownerSize));
      signatures.push({ type, owner, data: body.take(head.signatureSize - ownerSize) });
    }
    return signatures;
  },
  write(writer, signatures) {
    const size = ownerSize + (signatures[0]?.data.length ?? 0);
    const guid = Object.entries(signatureTypes).find(([, { name }]) => name === signatures[0]?.type)?.[0];
    SignatureListHead.write(
      writer,
      {
        signatureType: guidBytes(guid ?? String(signatures[0]?.type)),
        signatureListSize: headSize + size * signatures.length,
        signatureHeaderSize: 0,
        signatureSize: size,
      },
      {},
    );
    for (const { owner, data } of signatures) {
      writer.put(guidBytes(owner));
      writer.put(data);
    }
  },
};

type KnownType = keyof typeof signatureTypes;
const factsOf = (head: ListHead) =>
  signatureTypes[guidText(head.signatureType) as KnownType] as (typeof signatureTypes)[KnownType] | undefined;
const typeName = (head: ListHead): SignatureType => factsOf(head)?.name ?? guidText(head.signatureType);

function sizeProblem(head: ListHead): string | undefined {
  const { signatureListSize: list, signatureHeaderSize: header, signatureSize: size } = head;
  if (list < headSize + header)
    return `signatureListSize ${list} is below ${headSize} and signatureHeaderSize ${header}`;
  if (size <= ownerSize) return `signatureSize ${size}, expected more than the owner's ${ownerSize}`;
  if ((list - headSize - header) % size !== 0)
    return `signatureListSize ${list} holds no whole number of ${size} bytes`;
  if ((list - headSize - header) / size > maxSignatures) return `more than ${maxSignatures} signatures`;
  const expected = factsOf(head)?.size;
  if (expected !== undefined && size !== ownerSize + expected) {
    return `signatureSize ${size} of ${typeName(head)}, expected ${ownerSize + expected}`;
  }
  return undefined;
}

const SignatureDatabase = untilEnd('signature database', SignatureList, maxLists);

/** The entries of a signature database (value of PK, KEK, db, dbx, dbt, dbr). @throws {DecodeError} */
export const decodeSignatureLists = (data: Uint8Array): Signature[] => decode(SignatureDatabase, data).flat();

/** A signature database; signatures of one list are alike in type and size. */
export const encodeSignatureLists = (lists: readonly Signature[][]): Uint8Array<ArrayBuffer> =>
  encode(SignatureDatabase, [...lists]);

/** EFI_SIGNATURE_DATA: what an EV_EFI_VARIABLE_AUTHORITY event holds, the entry that verified an image. */
export const SignatureData = struct('EFI_SIGNATURE_DATA', {
  signatureOwner: Guid,
  signatureData: rest('signatureData', maxBytes),
});

/** Short text for an entry: type and SHA-256 of a certificate, or the digest itself. */
export const signatureText = ({ type, data }: Signature): string =>
  type === 'x509' ? `x509 sha256:${hex(digest('sha256', data))}` : `${type}:${hex(data.subarray(0, 64))}`;
