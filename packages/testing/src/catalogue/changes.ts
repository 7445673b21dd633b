import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import type { Evidence } from '@vouchsafe/domain/attestation/messages';
import { attestTypes } from '@vouchsafe/tpm2/attest';
import type { SoftwareKey } from '@vouchsafe/tpm2/testing/software-key';
import type { Parts, Signer } from './parts.ts';

/** The types of TPMS_ATTEST that are no quote. */
export const otherStructures = Object.entries(attestTypes).filter(([name]) => name !== 'quote');

/** As if the host had this attestation key: it is named in the first round, and it signs. */
export const withAk = (parts: Parts, ak: Signer): Parts => ({
  ...parts,
  request: { ...parts.request, ak: base64url(ak.publicArea) },
  signer: ak,
});

/** The same key, with signatures that come out otherwise. */
export const signing = (parts: Parts, sign: (data: Uint8Array, honest: Signer) => Uint8Array): Parts => ({
  ...parts,
  signer: { publicArea: parts.signer.publicArea, sign: (data) => sign(data, parts.signer) },
});

/** Changes fields of the evidence on the wire. */
export const sending = (parts: Parts, change: (sent: Evidence) => Partial<Evidence>): Parts => ({
  ...parts,
  evidence: (sent) => ({ ...sent, ...change(sent) }),
});

/** Changes the bytes of one field on the wire. */
export const sendingBytes = (
  parts: Parts,
  field: 'attest' | 'signature' | 'claims',
  change: (bytes: Uint8Array) => Uint8Array,
): Parts => sending(parts, (sent) => ({ [field]: base64url(change(fromBase64url(sent[field]))) }));

/** A software key as a signer. */
export const signerOf = ({ publicArea, sign }: SoftwareKey): Signer => ({ publicArea, sign });
