import type { Certificate } from '../x509/certificate.ts';
import { attributeOf, printable } from '../x509/distinguished-name.ts';

/** What an EK certificate says of its TPM (TCG EK Credential Profile 2.5, 3.1.2). */
export interface TpmAttributes {
  /** Vendor id of the TCG registry as text, `STM`, or as it stands, `id:00001014`, when it is none. */
  readonly manufacturer: string | undefined;
  readonly model: string | undefined;
  /** Firmware version as it stands, for instance `id:0D0C`. */
  readonly version: string | undefined;
}

const types = { manufacturer: '2.23.133.2.1', model: '2.23.133.2.2', version: '2.23.133.2.3' } as const;

/** Reads the attributes of the TPM from the directory names among the alternative names. */
export function tpmAttributesOf({ extensions }: Certificate): TpmAttributes {
  const names = (extensions.subjectAltName ?? []).flatMap((each) => (each.kind === 'directory' ? [each.name] : []));
  const read = (type: string) => names.map((name) => attributeOf(name, type)).find((each) => each !== undefined);
  const shown = (text: string | undefined) => (text === undefined ? undefined : printable(text.trim()));
  const manufacturer = read(types.manufacturer);
  return {
    manufacturer: manufacturer === undefined ? undefined : vendorOf(manufacturer),
    model: shown(read(types.model)),
    version: shown(read(types.version)),
  };
}

/** `id:53544D20` is `STM `: four octets of ASCII (TCG Vendor ID Registry). */
function vendorOf(id: string): string {
  const digits = /^id:([0-9A-Fa-f]{8})$/.exec(id.trim())?.[1];
  if (digits === undefined) return printable(id.trim());
  const text = Buffer.from(digits, 'hex')
    .toString('latin1')
    .replace(/[\0 ]+$/, '');
  return /^[A-Za-z0-9]{2,4}$/.test(text) ? text : `id:${digits.toUpperCase()}`;
}
