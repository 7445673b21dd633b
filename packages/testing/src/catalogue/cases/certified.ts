import { base64url } from '@vouchsafe/bytes/base64url';
import type { TpmSettings } from '@vouchsafe/domain/attestation/policy';
import { type Made, make, makeEk, type Wanted } from '@vouchsafe/domain/testing/certificates';
import type { Crl } from '@vouchsafe/domain/x509/crl';
import type { Bystanders } from '../case.ts';
import type { Parts } from '../parts.ts';

const year = 365 * 86400;

/** Valid when the catalogue happens, and for long. */
export const long = { from: -2 * year, until: 10 * year } as const;

/** A CA of a maker. */
export const authority = (subject: Wanted['subject'], wanted: Partial<Wanted> = {}): Made =>
  make({ subject, ...long, ...wanted });

/** The certificate of an EK for the key of this TPM. */
export const ekOf = ({ tpm }: Pick<Bystanders, 'tpm'>, by: Made, wanted: Partial<Wanted> = {}): Made =>
  makeEk(by, { pair: tpm.ek, ...long, ...wanted });

export interface Presented {
  /** What stands in NV. */
  readonly certificate: Uint8Array;
  readonly links?: readonly Made[];
  readonly root: Made;
  readonly crls?: readonly Crl[];
  readonly settings?: Partial<TpmSettings>;
}

/** The honest attestation of a TPM with these certificates, to a verifier that pins this root. */
export function presenting(
  honest: Parts,
  { certificate, links = [], root, crls = [], settings = {} }: Presented,
): Parts {
  const intermediates = links.map((link) => base64url(link.der));
  const authorities = [{ name: 'maker', chain: [root.certificate], virtual: false }];
  return {
    ...honest,
    request: { ...honest.request, ek: { ...honest.request.ek, certificate: base64url(certificate), intermediates } },
    policy: {
      ...honest.policy,
      trust: { authorities, intermediates: [], crls },
      settings: { ...honest.policy.settings, ...settings },
    },
  };
}
