import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import type { Secret } from '@vouchsafe/bytes/secret';
import { jsonReader } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import { TpmResponseError } from '@vouchsafe/tpm2/response-error';
import { openSealedData, sealData } from '@vouchsafe/tpm2/sealed-data';
import Type from 'typebox';
import { openTpm } from '../kmxa/host-tpm.ts';

const octets = Type.String({ pattern: '^[A-Za-z0-9_-]+$', maxLength: 4096 });

/** A key that the TPM of this host sealed, as it lies in a file: worthless on any other machine. */
const SealedKey = Type.Object(
  {
    v: Type.Literal(1),
    kind: Type.Literal('tpm-sealed-key'),
    /** TPMT_PUBLIC and the content of TPM2B_PRIVATE, under the storage root key of the owner hierarchy. */
    public: octets,
    private: octets,
  },
  { additionalProperties: false },
);

const read = jsonReader('sealed key', SealedKey);

/** @throws {Problem} `tpm.unavailable` */
export async function sealKey(where: string, key: Secret): Promise<Uint8Array> {
  const { publicArea, privateArea } = await withTpm(where, (tpm) => sealData(tpm, key));
  const sealed = { v: 1, kind: 'tpm-sealed-key', public: base64url(publicArea), private: base64url(privateArea) };
  return Buffer.from(`${JSON.stringify(sealed)}\n`);
}

/**
 * @param path of the file, for messages
 * @throws {Problem} `seal.unopened` when this TPM did not seal it or was cleared, `tpm.unavailable`, `input.malformed`
 */
export async function openKey(where: string, path: string, file: Uint8Array): Promise<Secret> {
  const sealed = read(new TextDecoder().decode(file));
  const created = { publicArea: fromBase64url(sealed.public), privateArea: fromBase64url(sealed.private) };
  try {
    return await withTpm(where, (tpm) => openSealedData(tpm, created));
  } catch (cause) {
    if (!(cause instanceof Problem) || !(cause.cause instanceof TpmResponseError)) throw cause;
    throw new Problem('seal.unopened', `${path}: the TPM at ${where} does not open it: ${cause.message}`, { cause });
  }
}

type WithTpm = Awaited<ReturnType<typeof openTpm>>;

async function withTpm<T>(where: string, use: (tpm: WithTpm) => Promise<T>): Promise<T> {
  await using tpm = await openTpm(where);
  try {
    return await use(tpm);
  } catch (cause) {
    throw new Problem('tpm.unavailable', `${where}: ${(cause as Error).message}`, { cause });
  }
}
