import { createHash } from 'node:crypto';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import type { Evidence, ReportAnswer, WholeEvidence } from '@vouchsafe/domain/attestation/messages';
import { imaTail } from '@vouchsafe/eventlog/ima/tail';

/** What a service said that it holds of this boot. */
export type Held = NonNullable<ReportAnswer['held']>;

/**
 * The same evidence with a reference in the place of logs that the service holds; whole when it holds others. Whether it
 * still holds them only the service knows.
 */
export function referTo(held: Held, whole: WholeEvidence): Evidence {
  const { event_log, ima_log, challenge: _challenge, ...rest } = whole;
  const sha256 = createHash('sha256').update(fromBase64url(event_log)).digest('hex');
  if (sha256 !== held.event_log_sha256) return whole;
  const known = held.ima_entries;
  const tail = ima_log === undefined ? undefined : imaTail(fromBase64url(ima_log), known);
  if (known > 0 && tail === undefined) return whole;
  return {
    ...rest,
    event_log_sha256: sha256,
    ...(known > 0 ? { ima_offset: known } : {}),
    ...(tail === undefined || tail.length === 0 ? {} : { ima_log: base64url(tail) }),
  };
}
