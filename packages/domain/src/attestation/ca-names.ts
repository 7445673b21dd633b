import type { Certificate } from '../x509/certificate.ts';
import { attributeOf } from '../x509/distinguished-name.ts';

const types = { commonName: '2.5.4.3', organization: '2.5.4.10', unit: '2.5.4.11' } as const;

/**
 * A readable name for a CA that is not taken: its common name, or the unit where that is an address as Intel's is; the
 * kind of its key and its fingerprint where makers use one name twice, as AMD does.
 */
export function caName(certificate: Certificate, taken: ReadonlySet<string>): string {
  const kind = certificate.publicKey.key?.asymmetricKeyType === 'ec' ? 'ecc' : 'rsa';
  const base = slug(titleOf(certificate)) || 'tpm-ca';
  const names = [base, `${base}-${kind}`, `${base}-${certificate.fingerprint.slice(0, 12)}`];
  return names.find((name) => !taken.has(name)) ?? `tpm-ca-${certificate.fingerprint}`;
}

function titleOf({ subject }: Certificate): string {
  const [commonName = '', unit = '', organization = ''] = [types.commonName, types.unit, types.organization].map(
    (type) => attributeOf(subject.rdns, type),
  );
  const [maker = ''] = organization.split(/[\s,]/);
  return /^www\./i.test(commonName) || commonName === '' ? `${maker} ${unit}` : commonName;
}

const slug = (text: string): string =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 100);
