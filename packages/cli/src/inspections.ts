import { X509Certificate } from 'node:crypto';
import { hex } from '@vouchsafe/bytes/hex';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { Problem } from '@vouchsafe/domain/problem';
import { pemBlocks } from '@vouchsafe/domain/x509/pem-blocks';
import { readInput, readStart } from './files.ts';
import { type Format, render } from './output.ts';

interface Inspection {
  readonly description: string;
  readonly example: string;
  /** Options of its own, with what they do. */
  readonly options?: Readonly<Record<string, string>>;
  readonly read: (file: string, format: Format, options: Readonly<Record<string, unknown>>) => Promise<string>;
}

/** An inspection of a whole file: JSON by `view`, and lines for people by `lines` where JSON would be too much. */
function whole<T>(
  description: string,
  example: string,
  view: (bytes: Uint8Array) => Promise<T> | T,
  lines?: (view: T) => string,
): Inspection {
  return {
    description,
    example,
    read: async (file, format) => shown(await malformed(file, () => view(readInput(file))), format, lines),
  };
}

function shown<T>(view: T, format: Format, lines?: (view: T) => string): string {
  if (format === 'table' && lines !== undefined) return lines(view);
  return render(view, {}, format === 'yaml' ? 'yaml' : 'json').trimEnd();
}

/** What a file cannot be is said with its name, and never as an internal error. */
async function malformed<T>(file: string, read: () => Promise<T> | T): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    const where = cause instanceof DecodeError ? cause.message : (cause as Error).message;
    throw new Problem('input.malformed', `${file}: ${where}`, { cause });
  }
}

/** Every kind of `vouchsafe inspect`. */
export const inspections: Readonly<Record<string, Inspection>> = {
  eventlog: whole(
    'a TCG event log: its events in words, and the PCR values that it accounts for',
    '/sys/kernel/security/tpm0/binary_bios_measurements',
    async (bytes) => (await import('@vouchsafe/eventlog/inspect')).inspectEventLog(bytes),
    ({ events, pcrs }) =>
      [
        ...events.map(({ index, description }) => `${String(index).padStart(4)}  ${description}`),
        ...pcrLines(pcrs),
      ].join('\n'),
  ),
  ima: whole('an IMA log, binary or ASCII', '/sys/kernel/security/ima/binary_runtime_measurements', async (bytes) =>
    (await import('@vouchsafe/eventlog/inspect')).inspectIma(bytes),
  ),
  quote: whole('a TPMS_ATTEST, as tpm2_quote writes it', 'quote.msg', async (bytes) =>
    (await import('@vouchsafe/tpm2/inspect')).inspectAttest(bytes),
  ),
  cert: whole('an X.509 certificate, PEM or DER', 'ek.crt', certificate),
  token: whole('an attestation token, JWT or SAML 2.0; whose it is, is not checked', 'token.jwt', token),
  ttlv: {
    description: 'a KMIP message, in octets or in XML; keys and passwords are hidden',
    example: 'message.ttlv',
    options: { '--xml': 'print the message in the XML encoding, with *** in the place of what is secret' },
    read: async (file, format, { xml }) => {
      const { inspectMessage } = await import('@vouchsafe/kmip/inspect');
      const { describeText } = await import('@vouchsafe/kmip/ttlv/describe');
      const shows = await malformed(file, () => inspectMessage(readInput(file)));
      return xml === true ? shows.xml.trimEnd() : shown(shows.tree, format, (tree) => describeText(tree).trimEnd());
    },
  },
  luks: {
    description: 'the header of a disk image',
    example: 'disk.img',
    read: async (file, format) => {
      const { inspectLuks } = await import('@vouchsafe/luks/inspect');
      return shown(await malformed(file, () => inspectLuks(readStart(file, 4096))), format);
    },
  },
};

function pcrLines(pcrs: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(pcrs).flatMap(([bank, values]) =>
    Object.entries(values as Record<string, string>).map(([pcr, value]) => `${bank} PCR ${pcr.padEnd(2)}  ${value}`),
  );
}

/** Also what stands in NV in the place of a certificate: what was borne to read it is told. */
async function certificate(bytes: Uint8Array) {
  const { readEkLeaf } = await import('@vouchsafe/domain/attestation/ek-leaf');
  const { certificate, quirks, manufacturer, model, version } = readEkLeaf(derOf(bytes));
  const { subject, issuer, subjectAltName, validFrom, validTo, serialNumber, fingerprint256, ca, keyUsage, raw } =
    new X509Certificate(certificate.raw);
  const { key } = certificate.publicKey;
  if (key === undefined) throw new TypeError('the certificate holds no public key of a kind that can be read');
  return {
    subject,
    issuer,
    subjectAltName,
    validFrom,
    validTo,
    serialNumber,
    ca,
    keyUsage,
    fingerprint256,
    key: {
      type: key.asymmetricKeyType,
      ...key.asymmetricKeyDetails,
      publicExponent: undefined,
      spki: hex(key.export({ type: 'spki', format: 'der' })),
    },
    bytes: raw.length,
    ...(manufacturer === undefined ? {} : { tpm: { manufacturer, model, version }, quirks }),
  };
}

/** The octets of the first certificate in PEM, or else those that are there. */
function derOf(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1');
  // A certificate in DER, or behind the header that TPMs have in NV.
  if (bytes[0] === 0x30 || bytes[0] === 0x10) return bytes;
  const [first] = pemBlocks(text, 'CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE');
  if (first === undefined) throw new TypeError('not an X.509 certificate, neither PEM nor DER');
  return first;
}

async function token(bytes: Uint8Array) {
  const text = new TextDecoder().decode(bytes).trim();
  if (text.startsWith('<')) {
    const { readAssertion } = await import('@vouchsafe/domain/attestation/saml/verify-assertion');
    const { facts, signer } = readAssertion(text);
    const signed = 'holds for the key of the certificate in it; whose that is was not checked';
    return { kind: 'SAML 2.0 assertion', ...facts, signer: signer.subjectAltName, signature: signed };
  }
  const { decodeJwt, decodeProtectedHeader } = await import('jose');
  return { header: decodeProtectedHeader(text), claims: decodeJwt(text), signature: 'not checked' };
}
