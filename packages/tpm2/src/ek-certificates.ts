import { handlesFrom } from './commands/get-capability.ts';
import { nvRead } from './commands/nv-read.ts';
import { allEkTemplates, type EkTemplate } from './ek-template.ts';
import type { Tpm } from './tpm.ts';

/** A certificate as it stands in NV. */
export interface EkCertificate {
  readonly template: EkTemplate;
  readonly nvIndex: number;
  /** All bytes of the index; a DER certificate may be followed by padding. */
  readonly der: Uint8Array;
}

/** TCG EK Credential Profile 2.5, 2.2.1.5: certificates of the issuers, several may follow one another. */
const [firstIssuer, lastIssuer] = [0x01c00100, 0x01c001ff];
const nvRange = 0x01000000;

/** The EK certificates in the TPM's NV memory; none where there are no indices. */
export async function ekCertificates(tpm: Tpm): Promise<EkCertificate[]> {
  const defined = await handlesFrom(tpm, nvRange);
  const certificates: EkCertificate[] = [];
  for (const template of allEkTemplates) {
    const nvIndex = template.certificateIndex;
    if (defined.includes(nvIndex)) certificates.push({ template, nvIndex, der: await nvRead(tpm, nvIndex) });
  }
  return certificates;
}

/** The bytes of the issuers' certificates in NV, index after index; empty when there are none. */
export async function issuerCertificates(tpm: Tpm): Promise<Uint8Array[]> {
  const defined = (await handlesFrom(tpm, firstIssuer)).filter((index) => index <= lastIssuer);
  const parts: Uint8Array[] = [];
  for (const index of defined) parts.push(await nvRead(tpm, index));
  return parts;
}
