import { X509Certificate } from 'node:crypto';
import type { TpmObject } from '@vouchsafe/tpm2/commands/read-public';
import { createAk } from '@vouchsafe/tpm2/create-ak';
import { openEk, persistentEks } from '@vouchsafe/tpm2/create-ek';
import { ekCertificates, issuerCertificates } from '@vouchsafe/tpm2/ek-certificates';
import type { EkTemplateName } from '@vouchsafe/tpm2/ek-template';
import type { Tpm } from '@vouchsafe/tpm2/tpm';

/** The endorsement key and attestation key of this host's TPM, open for use. */
export interface TpmIdentity extends AsyncDisposable {
  readonly ek: TpmObject;
  readonly ak: TpmObject;
  /** DER, without the padding of the NV index. */
  readonly certificate: Uint8Array | undefined;
  readonly intermediates: readonly Uint8Array[];
}

/** Opens the EK that has a certificate, or else the first one there is, and the AK beside it. */
export async function openIdentity(tpm: Tpm): Promise<TpmIdentity> {
  const [certified] = await ekCertificates(tpm);
  const template = certified?.template.name ?? (await uncertifiedTemplate(tpm));
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

async function uncertifiedTemplate(tpm: Tpm): Promise<EkTemplateName> {
  const [persistent] = await persistentEks(tpm);
  return persistent?.template ?? 'L-2';
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
