import { type Certificate, subjectText } from '../x509/certificate.ts';
import type { TpmAttributes } from './tpm-attributes.ts';

interface VirtualTpm {
  readonly manufacturer: string;
  readonly model: RegExp;
  readonly says: string;
}

/**
 * TPMs that are software, by what their EK certificates say. Whoever gives out software TPMs under a CA that also
 * certifies hardware is told apart by this; a CA that certifies nothing else is marked as virtual when it is imported.
 */
const virtualTpms: readonly VirtualTpm[] = [
  { manufacturer: 'id:00001014', model: /./, says: 'libtpms, as swtpm uses it' },
  { manufacturer: 'IBM', model: /^(?:sw|swtpm|sw tpm)/i, says: 'the software TPM of IBM' },
  { manufacturer: 'GOOG', model: /vtpm/i, says: 'the virtual TPM of Google Compute Engine' },
  { manufacturer: 'AMZN', model: /./, says: 'NitroTPM' },
  { manufacturer: 'VMW', model: /./, says: 'the virtual TPM of VMware' },
  { manufacturer: 'MSFT', model: /virtual|vtpm/i, says: 'the virtual TPM of Hyper-V' },
  { manufacturer: 'XEN', model: /./, says: 'the virtual TPM of Xen' },
];

/** Issuers of software TPMs whose certificates do not say so themselves. */
const virtualIssuers: readonly { readonly subject: RegExp; readonly says: string }[] = [
  { subject: /O=Google LLC.*CN=EK\/AK CA /, says: 'the virtual TPM of Google Compute Engine' },
  { subject: /CN="?tpm_ek_v1_cloud_host/, says: 'the virtual TPM of Google Compute Engine' },
  { subject: /CN=Global Virtual TPM CA/, says: 'the virtual TPM of Azure' },
  { subject: /CN=swtpm-localca/, says: 'libtpms, as swtpm uses it' },
];

/** Which software TPM this is; undefined when nothing says that it is one. */
export function virtualTpm(
  { manufacturer, model = '' }: TpmAttributes,
  issuers: readonly Certificate[],
): string | undefined {
  const known = virtualTpms.find((each) => each.manufacturer === manufacturer && each.model.test(model));
  if (known !== undefined) return known.says;
  return virtualIssuers.find(({ subject }) => issuers.some((issuer) => subject.test(subjectText(issuer))))?.says;
}
