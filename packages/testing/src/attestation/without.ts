import { hex } from '@vouchsafe/bytes/hex';
import type { Appraisal, Check } from '@vouchsafe/domain/attestation/appraisal';
import { candidatesOf } from '@vouchsafe/domain/attestation/candidate';
import { attestationChecks } from '@vouchsafe/domain/attestation/checks/table';
import { readClaims } from '@vouchsafe/domain/attestation/claims';
import type { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import { decodeImaLog } from '@vouchsafe/eventlog/ima/log';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { provenFacts } from '@vouchsafe/eventlog/proven';
import { replay } from '@vouchsafe/eventlog/replay';
import { decodeAttest, quoteInfoOf } from '@vouchsafe/tpm2/attest';
import { decodePublic } from '@vouchsafe/tpm2/public';

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A record as a verifier without registry would make it up. */
const anybody = ({ input }: Appraisal): HostRecord => ({
  ek: input.challenge.ek,
  name: 'anybody',
  scope: 'bench',
  state: 'approved',
  tpm: 'hardware',
  enrolled: 'approved',
  by: 'nobody',
  since: '2026-01-01T00:00:00.000Z',
});

/** What a verifier that lacks a check would take for proven in its place. */
const believed: Readonly<Record<string, (appraisal: Appraisal) => void>> = {
  'ak.attributes': (appraisal) => appraisal.prove('ak', decodePublic(appraisal.input.challenge.ak)),
  'quote.signature': (appraisal) => appraisal.prove('attest', decodeAttest(appraisal.input.evidence.attest)),
  'quote.type': (appraisal) => appraisal.prove('quote', quoteInfoOf(appraisal.get('attest'))),
  'quote.extra-data': (appraisal) => appraisal.prove('claims', readClaims(text(appraisal.input.evidence.claims))),
  'evidence.held': (appraisal) => {
    const { evidence, held } = appraisal.input;
    const log = evidence.reference && held?.({ ek: '', ak: '', resetCount: 0, restartCount: 0 });
    if (log !== undefined) appraisal.prove('held', log);
  },
  'ek.certificate': (appraisal) => appraisal.prove('tpm', 'hardware'),
  'host.enrolled': (appraisal) => appraisal.prove('host', appraisal.input.host ?? anybody(appraisal)),
  'quote.digest': (appraisal) => {
    const { pcrs, banks } = appraisal.input.evidence;
    appraisal.prove('pcrs', pcrs);
    appraisal.prove('banks', banks ?? new Map());
  },
  'eventlog.replay': (appraisal) => {
    const log = decodeLog(appraisal.input.evidence.eventLog!);
    appraisal.prove('log', log);
    appraisal.prove('replayed', replay(log, appraisal.input.challenge.bank));
  },
  'eventlog.facts': (appraisal) =>
    appraisal.prove('facts', provenFacts(appraisal.get('log'), appraisal.input.challenge.bank)),
  'ima.files': (appraisal) => {
    const { value, ...ima } = appraisal.get('ima');
    const judged = { by: '00'.repeat(32), listed: 0, signed: 0, excluded: 0, agent: true, faults: {} };
    const { rule, entries } = ima;
    appraisal.prove('imaProgress', { v: 1, bank: 'sha256', rule, value: hex(value), entries, judged });
  },
  'image.match': (appraisal) => believeImage(appraisal),
  'ima.replay': (appraisal) => {
    const { evidence, challenge } = appraisal.input;
    const proven = evidence.imaLog === undefined ? [] : decodeImaLog(evidence.imaLog);
    const entries = (evidence.reference?.imaEntries ?? 0) + proven.length;
    const value = appraisal.get('pcrs').get(10) ?? new Uint8Array();
    appraisal.prove('ima', { bank: challenge.bank, rule: 'hash', value, entries, covered: proven.length, proven });
  },
};

/** Takes the first image for the one that the host has. */
function believeImage(appraisal: Appraisal): void {
  const [first] = candidatesOf(appraisal.input.policy, appraisal.input.now);
  appraisal.prove('image', first!.image);
  appraisal.prove('matched', first!);
}

/** The checks of an appraisal with some taken out: what they should have proven is believed. */
export function without(...ids: readonly string[]): Check[] {
  for (const id of ids)
    if (!attestationChecks.some((check) => check.id === id)) throw new TypeError(`there is no check ${id}`);
  return attestationChecks.map((check) => (ids.includes(check.id) ? gullible(check) : check));
}

const gullible = (check: Check): Check => ({
  ...check,
  run(appraisal) {
    believed[check.id]?.(appraisal);
    return [];
  },
});
