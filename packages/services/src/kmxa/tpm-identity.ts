import { X509Certificate } from 'node:crypto';
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
  /** DER, without the padding of the NV index. */
  readonly certificate: Uint8Array | undefined;
  readonly intermediates: readonly Uint8Array[];
}

/**
 * Opens the EK that has a certificate, or else the first one there is, and the AK beside it. The AK is the same beside
 * every EK: by it the Attestation Service knows that two EKs are of one TPM.
 */
export async function openIdentity(tpm: Tpm, choice: EkChoice = 'auto'): Promise<TpmIdentity> {
  const wanted = templatesOf(choice);
  const certificates = await ekCertificates(tpm);
  const certified = first(wanted, (name) => certificates.find(({ template }) => template.name === name));
  const template = certified?.template.name ?? (await uncertifiedTemplate(tpm, wanted));
  const ek = await openEk(tpm, template);
  try {
    const ak = await createAk(tpm);
    return {
      ek,
      ak,
      certificate: certified === undefined ? undefined : derOf(certified.der),
      intermediates: certified === undefined ? [] : (await issuerCertificates(tpm)).flatMap(allDer),
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

/** NV holds whole indices; what follows the certificate is padding. */
function derOf(bytes: Uint8Array): Uint8Array {
  return new X509Certificate(bytes).raw;
}

/** Several certificates may follow one another in NV. */
function allDer(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    try {
      const der = derOf(rest);
      found.push(der);
      rest = rest.subarray(der.length);
    } catch {
      break;
    }
  }
  return found;
}
