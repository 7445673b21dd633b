import { concat } from '@vouchsafe/bytes/hex';
import { readCertificate } from '@vouchsafe/domain/x509/certificate';
import { sizeOfFirst } from '@vouchsafe/domain/x509/der';
import type { TpmObject } from '@vouchsafe/tpm2/commands/read-public';
import { createAk } from '@vouchsafe/tpm2/create-ak';
import { openEk, persistentEks } from '@vouchsafe/tpm2/create-ek';
import { ekCertificates, issuerCertificates } from '@vouchsafe/tpm2/ek-certificates';
import type { EkTemplateName } from '@vouchsafe/tpm2/ek-template';
import type { Tpm } from '@vouchsafe/tpm2/tpm';
import { type EkChoice, templatesOf } from './ek-choice.ts';

/** The endorsement key and attestation key of this host's TPM, open for use. */
export interface TpmIdentity extends AsyncDisposable {
  readonly ek: TpmObject;
  readonly ak: TpmObject;
  /** What stands in NV: the Attestation Service knows what to bear around and in a certificate. */
  readonly certificate: Uint8Array | undefined;
  readonly intermediates: readonly Uint8Array[];
}

/**
 * Opens the EK that has a certificate, or else the first one there is, and the AK beside it. The AK is the same beside
 * every EK: by it the Attestation Service knows that two EKs are of one TPM.
 */
export async function openIdentity(tpm: Tpm, choice: EkChoice = 'auto'): Promise<TpmIdentity> {
  const { ek, certificate } = await openChosenEk(tpm, choice);
  try {
    const ak = await createAk(tpm);
    return {
      ek,
      ak,
      certificate,
      intermediates: certificate === undefined ? [] : issuersIn(await issuerCertificates(tpm)),
      async [Symbol.asyncDispose]() {
        await ak[Symbol.asyncDispose]();
        await ek[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await ek[Symbol.asyncDispose]();
    throw error;
  }
}

/** The EK that has a certificate, or else the first one there is. Dispose of it. */
export async function openChosenEk(tpm: Tpm, choice: EkChoice = 'auto') {
  const wanted = templatesOf(choice);
  const certificates = await ekCertificates(tpm);
  const certified = first(wanted, (name) => certificates.find(({ template }) => template.name === name));
  const template = certified?.template.name ?? (await uncertifiedTemplate(tpm, wanted));
  return { ek: await openEk(tpm, template), certificate: certified?.der };
}

/** L-2 where there is none yet: ECC is quicker to make, and the low range is what every TPM has. */
async function uncertifiedTemplate(tpm: Tpm, wanted: readonly EkTemplateName[]): Promise<EkTemplateName> {
  const persistent = await persistentEks(tpm);
  const found = first(wanted, (name) => persistent.find(({ template }) => template === name));
  return found?.template ?? (wanted.includes('L-2') ? 'L-2' : wanted[0]!);
}

/** What the first of the names leads to. */
function first<N, T>(names: readonly N[], find: (name: N) => T | undefined): T | undefined {
  for (const name of names) {
    const found = find(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Most issuers that are handed on, and the largest; what is more is no chain of a TPM. */
const [maxIssuers, maxIssuerBytes] = [16, 8192];

/**
 * The issuers' certificates in NV. A chain may be longer than an index, so its certificates run on from one index into
 * the next, as Intel's do; others begin anew with each index and pad it.
 */
export function issuersIn(indices: readonly Uint8Array[]): Uint8Array[] {
  const found = new Map<string, Uint8Array>();
  for (const bytes of [concat(...indices), ...indices])
    for (const each of derValues(bytes).filter(isCertificate)) found.set(Buffer.from(each).toString('base64'), each);
  return [...found.values()].slice(0, maxIssuers);
}

/** The middle of a certificate may look like a value too. */
function isCertificate(bytes: Uint8Array): boolean {
  try {
    readCertificate(bytes, () => undefined);
    return true;
  } catch {
    return false;
  }
}

/** DER values one after the other, up to the first octet that begins none. */
function derValues(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let rest = bytes; rest[0] === 0x30; ) {
    const size = sizeOfFirst(rest);
    if (size === undefined || size > maxIssuerBytes) break;
    found.push(rest.subarray(0, size));
    rest = rest.subarray(size);
  }
  return found;
}
