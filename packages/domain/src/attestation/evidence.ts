import { X509Certificate } from 'node:crypto';
import { fromBase64url } from '@vouchsafe/bytes/base64url';
import { fromHex } from '@vouchsafe/bytes/hex';
import { Problem } from '../problem.ts';
import type { Evidence } from './messages.ts';

/** Evidence as bytes. */
export interface DecodedEvidence {
  readonly claims: Uint8Array;
  readonly attest: Uint8Array;
  readonly signature: Uint8Array;
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
  readonly eventLog: Uint8Array;
  readonly imaLog: Uint8Array | undefined;
  readonly ekCertificate: X509Certificate | undefined;
  readonly intermediates: readonly X509Certificate[];
}

/** @throws {Problem} `input.malformed` naming the field */
export function decodeEvidence(evidence: Evidence): DecodedEvidence {
  const { ek_certificate, ima_log } = evidence;
  return {
    claims: octets('claims', evidence.claims),
    attest: octets('attest', evidence.attest),
    signature: octets('signature', evidence.signature),
    pcrs: new Map(Object.entries(evidence.pcrs).map(([pcr, value]) => [Number(pcr), fromHex(value)])),
    eventLog: octets('event_log', evidence.event_log),
    imaLog: ima_log === undefined ? undefined : octets('ima_log', ima_log),
    ekCertificate: ek_certificate === undefined ? undefined : certificate('ek_certificate', ek_certificate),
    intermediates: (evidence.intermediates ?? []).map((each, i) => certificate(`intermediates[${i}]`, each)),
  };
}

function octets(field: string, text: string): Uint8Array {
  try {
    return fromBase64url(text);
  } catch (cause) {
    throw new Problem('input.malformed', `evidence: ${field}: ${(cause as Error).message}`, { cause });
  }
}

function certificate(field: string, text: string): X509Certificate {
  try {
    return new X509Certificate(octets(field, text));
  } catch (cause) {
    throw new Problem('input.malformed', `evidence: ${field}: not an X.509 certificate`, { cause });
  }
}
