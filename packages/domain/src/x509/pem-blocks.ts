import { Problem } from '../problem.ts';

/** More blocks than this are not read: the largest bundle of TPM makers has some hundreds. */
export const maxBlocks = 2000;

const block = /-----BEGIN ([A-Z0-9 ]{1,32})-----([A-Za-z0-9+/=\s]*?)-----END \1-----/g;

/** The octets of all blocks of a kind in PEM text (RFC 7468); text between them is commentary. */
export function pemBlocks(text: string, ...labels: readonly string[]): Uint8Array[] {
  const found = [...text.matchAll(block)].filter(([, label = '']) => labels.includes(label));
  if (found.length > maxBlocks) throw new Problem('input.too-large', `more than ${maxBlocks} PEM blocks`);
  return found.map(([, , body = '']) => Buffer.from(body, 'base64'));
}

/** One certificate as PEM text. */
export const certificatePem = (der: Uint8Array): string => pemText('CERTIFICATE', der);

/** Octets as one block of PEM text. */
export function pemText(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
