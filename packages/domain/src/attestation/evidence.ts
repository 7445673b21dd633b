import { fromBase64url } from '@vouchsafe/bytes/base64url';
import { fromHex } from '@vouchsafe/bytes/hex';
import { Problem } from '../problem.ts';
import type { Evidence, OtherBank } from './messages.ts';

/** Logs of this boot that were sent before. */
export interface EvidenceReference {
  /** SHA-256, hexadecimal. */
  readonly eventLog: string;
  /** Entries of the IMA log that are left out. */
  readonly imaEntries: number;
}

/** Evidence as bytes. */
export interface DecodedEvidence {
  readonly claims: Uint8Array;
  readonly attest: Uint8Array;
  readonly signature: Uint8Array;
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
  /** Values of banks beside SHA-256. */
  readonly banks?: ReadonlyMap<OtherBank, ReadonlyMap<number, Uint8Array>>;
  /** Absent when the host only refers to it. */
  readonly eventLog: Uint8Array | undefined;
  /** What the host refers to instead of sending it. */
  readonly reference?: EvidenceReference | undefined;
  /** The IMA log, or what follows on the entries that are referred to. */
  readonly imaLog: Uint8Array | undefined;
  /** What the kernel says it was started with: believed only where a measured digest is that of this text. */
  readonly commandLine?: string | undefined;
  /** What stands in NV, whether or not it is a strict certificate: the check of it knows what to bear. */
  readonly ekCertificate: Uint8Array | undefined;
  /** As above, of issuers: untrusted. */
  readonly intermediates: readonly Uint8Array[];
}

/** @throws {Problem} `input.malformed`, `input.invalid` naming the field */
export function decodeEvidence(evidence: Evidence): DecodedEvidence {
  const { ek_certificate, event_log, ima_log } = evidence;
  return {
    claims: octets('claims', evidence.claims),
    attest: octets('attest', evidence.attest),
    signature: octets('signature', evidence.signature),
    pcrs: pcrValues(evidence.pcrs),
    banks: new Map(
      Object.entries(evidence.banks ?? {}).map(([bank, values]) => [bank as OtherBank, pcrValues(values)]),
    ),
    eventLog: event_log === undefined ? undefined : octets('event_log', event_log),
    reference: referenceOf(evidence),
    imaLog: ima_log === undefined ? undefined : octets('ima_log', ima_log),
    commandLine: evidence.command_line,
    ekCertificate: ek_certificate === undefined ? undefined : octets('ek_certificate', ek_certificate),
    intermediates: (evidence.intermediates ?? []).map((each, i) => octets(`intermediates[${i}]`, each)),
  };
}

const pcrValues = (values: Readonly<Record<string, string>>): Map<number, Uint8Array> =>
  new Map(Object.entries(values).map(([pcr, value]) => [Number(pcr), fromHex(value)]));

function referenceOf({ event_log, event_log_sha256, ima_offset }: Evidence): EvidenceReference | undefined {
  if ((event_log === undefined) === (event_log_sha256 === undefined))
    throw new Problem('input.invalid', 'evidence: expected either event_log or event_log_sha256');
  if (event_log_sha256 === undefined && (ima_offset ?? 0) > 0)
    throw new Problem('input.invalid', 'evidence: ima_offset: only beside event_log_sha256');
  return event_log_sha256 === undefined ? undefined : { eventLog: event_log_sha256, imaEntries: ima_offset ?? 0 };
}

function octets(field: string, text: string): Uint8Array {
  try {
    return fromBase64url(text);
  } catch (cause) {
    throw new Problem('input.malformed', `evidence: ${field}: ${(cause as Error).message}`, { cause });
  }
}
