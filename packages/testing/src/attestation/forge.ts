import { createHash } from 'node:crypto';
import { encode, type Infer, sized, struct, u16, u32 } from '@vouchsafe/bytes/codec';
import { TpmsAttestFrame, TpmsQuoteInfo } from '@vouchsafe/tpm2/attest';
import { command } from '@vouchsafe/tpm2/command';
import type { Entity } from '@vouchsafe/tpm2/entity';
import { encodeSignature, noScheme, TpmtSignature, TpmtSigScheme } from '@vouchsafe/tpm2/signature';
import type { Tpm } from '@vouchsafe/tpm2/tpm';

const Tpm2bDigest = sized('TPM2B_DIGEST', u16, 64);
const sha256 = 0x000b;
const owner = 0x40000001;

/** Part 2, 10.7.6 TPMT_TK_HASHCHECK: the TPM's word that data it hashed do not look like its own structures. */
const TpmtTkHashcheck = struct('TPMT_TK_HASHCHECK', { tag: u16, hierarchy: u32, digest: Tpm2bDigest });

/** Part 3, 15.4 TPM2_Hash */
const Hash = command({
  name: 'TPM2_Hash',
  code: 0x17d,
  parameters: struct('TPM2_Hash', { data: sized('TPM2B_MAX_BUFFER', u16, 1024), hashAlg: u16, hierarchy: u32 }),
  results: struct('TPM2_Hash', { outHash: Tpm2bDigest, validation: TpmtTkHashcheck }),
});

/** Part 3, 20.2 TPM2_Sign */
const Sign = command({
  name: 'TPM2_Sign',
  code: 0x15d,
  handles: ['@keyHandle'],
  parameters: struct('TPM2_Sign', { digest: Tpm2bDigest, inScheme: TpmtSigScheme, validation: TpmtTkHashcheck }),
  results: struct('TPM2_Sign', { signature: TpmtSignature }),
});

type Ticket = Infer<typeof TpmtTkHashcheck>;

/** Part 2, 10.7.6: no word at all; enough for a key that is not restricted. */
const nullTicket: Ticket = { tag: 0x8024, hierarchy: 0x40000007, digest: new Uint8Array() };

/**
 * Has a TPM hash and sign data from outside: bytes of a TPMT_SIGNATURE. Whoever is root on a host can do this.
 * @throws {TpmResponseError} when a restricted key is asked to sign what looks like a structure of the TPM
 */
export async function signForeign(tpm: Tpm, key: Entity, data: Uint8Array): Promise<Uint8Array> {
  const { results } = await tpm.run(Hash, { data, hashAlg: sha256, hierarchy: owner }, []);
  return await signDigest(tpm, key, results.outHash, results.validation);
}

/** As `signForeign`, hashed outside the TPM: an unrestricted key signs whatever it is given. */
export const signAnything = (tpm: Tpm, key: Entity, data: Uint8Array): Promise<Uint8Array> =>
  signDigest(tpm, key, createHash('sha256').update(data).digest(), nullTicket);

async function signDigest(tpm: Tpm, key: Entity, digest: Uint8Array, validation: Ticket) {
  const { results } = await tpm.run(Sign, { digest, inScheme: noScheme, validation }, [key]);
  return encodeSignature(results.signature);
}

/** The bytes of a TPMS_ATTEST that says what the forger wants. */
export const forgedQuote = (frame: Omit<TpmsAttestFrame, 'attested'>, quote: TpmsQuoteInfo): Uint8Array =>
  encode(TpmsAttestFrame, { ...frame, attested: encode(TpmsQuoteInfo, quote) });
