import { hex } from '@vouchsafe/bytes/hex';
import type { Bank } from './algorithms.ts';
import { describe } from './describe.ts';
import { EventLogError } from './error.ts';
import type { Finding } from './finding.ts';
import { decodeImaText } from './ima/ascii.ts';
import { decodeImaLog, type ImaEntry } from './ima/log.ts';
import { replayIma } from './ima/replay.ts';
import { decodeLog, type EventLog, type LogLimits } from './log.ts';
import { type Proof, proofOf } from './proof.ts';
import { provenFacts } from './proven.ts';
import { replay } from './replay.ts';
import { printable } from './text.ts';

/** PCR values in hexadecimal, by bank and index; only PCRs that the log extends. */
export type PcrView = Readonly<Partial<Record<Bank, Readonly<Record<string, string>>>>>;

/** One event, ready for JSON. */
export interface EventView {
  readonly index: number;
  readonly pcr: number;
  readonly type: string;
  readonly digests: Readonly<Record<string, string>>;
  readonly data: string;
  readonly proof: Proof['state'];
  readonly description: string;
}

/** A TCG log, ready for JSON. `errors`: banks that cannot be replayed, and why. */
export interface EventLogView {
  readonly kind: 'eventlog';
  readonly form: EventLog['form'];
  readonly banks: readonly Bank[];
  readonly events: readonly EventView[];
  readonly pcrs: PcrView;
  readonly errors: Readonly<Partial<Record<Bank, string>>>;
  readonly findings: readonly Finding[];
}

/** Banks in the order in which they are believed. */
const strongest: readonly Bank[] = [
  'sha256',
  'sha384',
  'sha512',
  'sm3_256',
  'sha3_256',
  'sha3_384',
  'sha3_512',
  'sha1',
];

/** The bank by which descriptions are proven when none is asked for; undefined for a log without a known bank. */
export const preferredBank = (log: EventLog): Bank | undefined => strongest.find((bank) => log.banks.includes(bank));

/** A TCG event log as JSON. @throws {DecodeError} */
export function inspectEventLog(bytes: Uint8Array, limits?: LogLimits): EventLogView {
  const log = decodeLog(bytes, limits);
  const bank = preferredBank(log);
  const { pcrs, errors } = replayAll(log);
  return {
    kind: 'eventlog',
    form: log.form,
    banks: log.banks,
    events: log.events.map((event) => eventView(event, bank)),
    pcrs,
    errors,
    findings: bank === undefined || errors[bank] !== undefined ? [] : provenFacts(log, bank).findings,
  };
}

function eventView(event: EventLog['events'][number], bank: Bank | undefined): EventView {
  const proof: Proof = bank === undefined ? { state: 'none' } : proofOf(event, bank);
  const digests = Object.entries(event.digests).map(([name, value]) => [name, hex(value)]);
  return {
    index: event.index,
    pcr: event.pcr,
    type: event.typeName,
    digests: Object.fromEntries(digests),
    data: hex(event.data),
    proof: proof.state,
    description: describe(event, bank ?? 'sha1', proof),
  };
}

function replayAll(log: EventLog): { pcrs: PcrView; errors: Partial<Record<Bank, string>> } {
  const pcrs: Partial<Record<Bank, Record<string, string>>> = {};
  const errors: Partial<Record<Bank, string>> = {};
  for (const bank of log.banks) {
    try {
      pcrs[bank] = pcrView(replay(log, bank));
    } catch (error) {
      if (!(error instanceof EventLogError)) throw error;
      errors[bank] = error.message;
    }
  }
  return { pcrs, errors };
}

const pcrView = (pcrs: Map<number, Uint8Array>): Record<string, string> =>
  Object.fromEntries([...pcrs].sort(([a], [b]) => a - b).map(([pcr, value]) => [pcr, hex(value)]));

/** One IMA entry, ready for JSON. */
export interface ImaEntryView {
  readonly index: number;
  readonly pcr: number;
  readonly template: string;
  readonly templateHash: string;
  readonly violation: boolean;
  readonly name?: string;
  readonly digest?: string;
  readonly signature?: string;
  readonly buffer?: string;
}

/** An IMA log, ready for JSON. `pcrs` by the rule `hash`. */
export interface ImaView {
  readonly kind: 'ima';
  readonly events: readonly ImaEntryView[];
  readonly pcrs: PcrView;
}

const imaBanks: readonly Bank[] = ['sha1', 'sha256', 'sha384', 'sha512'];

/** An IMA log of either form as JSON; the text form begins with a digit or a space. @throws {DecodeError} */
export function inspectIma(bytes: Uint8Array): ImaView {
  const entries = looksLikeText(bytes) ? decodeImaText(bytes) : decodeImaLog(bytes);
  const pcrs = Object.fromEntries(imaBanks.map((bank) => [bank, pcrView(replayIma(entries, bank))]));
  return { kind: 'ima', events: entries.map(imaView), pcrs };
}

/** The first four bytes of the binary form are a PCR index: no text. */
const looksLikeText = (bytes: Uint8Array) =>
  /^ ?\d{1,2} [0-9a-f]/.test(Buffer.from(bytes.subarray(0, 5)).toString('latin1'));

function imaView({ index, pcr, template, templateHash, violation, fields }: ImaEntry): ImaEntryView {
  const { name, digest, signature, buffer } = fields;
  return {
    index,
    pcr,
    template,
    templateHash: hex(templateHash),
    violation,
    ...(name === undefined ? {} : { name: printable(name, 4096) }),
    ...(digest === undefined ? {} : { digest: `${digest.algorithm}:${hex(digest.value)}` }),
    ...(signature === undefined || signature.length === 0 ? {} : { signature: hex(signature) }),
    ...(buffer === undefined ? {} : { buffer: hex(buffer) }),
  };
}
