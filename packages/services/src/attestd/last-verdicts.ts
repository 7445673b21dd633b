import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { fromHex, hex } from '@vouchsafe/bytes/hex';
import type { RefusedBoot } from '@vouchsafe/domain/attestation/amendment';
import type { Appraisal } from '@vouchsafe/domain/attestation/appraisal';
import { type Explanation, explanationOf, readExplanation } from '@vouchsafe/domain/attestation/explanation';
import { maxCommandLine } from '@vouchsafe/domain/attestation/messages';
import { validator } from '@vouchsafe/domain/parse';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import Type from 'typebox';
import type { GivenVerdict } from './evidence-keeper.ts';

/** The last verdict about an endorsement key. */
export interface LastVerdict {
  readonly explanation: Explanation;
  /** When a verdict was like this for the first time since it was another, and for the last time; ISO 8601. */
  readonly since: string;
  readonly last: string;
}

type State = Pick<ConfigStore, 'getState' | 'putState' | 'deleteState'>;

const verdicts = 'last-verdicts';
const boots = 'refused-boots';
/** The time of a verdict like the one before is written again after this many seconds: a write costs as much as a verdict. */
const writtenEvery = 3600;
/** A larger log is not kept: then there is no amendment, and the explanation has its differences all the same. */
const maxLog = 1024 * 1024;
const maxPacked = 256 * 1024;
/** Verdicts whose digest is remembered; others are read again. */
const maxRemembered = 20_000;

const Stored = Type.Object({ explanation: Type.Unknown(), since: Type.String(), last: Type.String() });
const readStored = validator('stored verdict', Stored);
const Boot = Type.Object({
  log: Type.String({ maxLength: Math.ceil((maxPacked * 4) / 3) }),
  pcrs: Type.Record(Type.String(), Type.String({ pattern: '^(?:[0-9a-f]{2})*$' })),
  command_line: Type.Optional(Type.String({ maxLength: maxCommandLine })),
});
const readBoot = validator('stored boot', Boot);

/** What a verdict says, apart from its time and from digests that change with every nonce. */
interface Remembered {
  readonly digest: string;
  readonly since: string;
  last: string;
  written: number;
}

/**
 * The last verdict about each host of the registry, with its explanation; of a refused one also what it booted. It
 * survives a restart and holds one row for each endorsement key, of bounded size.
 */
export class LastVerdicts {
  readonly #state: State;
  readonly #remembered = new Map<string, Remembered>();

  constructor(state: State) {
    this.#state = state;
  }

  /** Takes a verdict about a host of the registry; others are not kept, so strangers fill nothing. */
  take(given: GivenVerdict): void {
    const { appraisal } = given.appraised;
    const { challenge, host, now } = appraisal.input;
    if (host === undefined || !appraisal.has('claims')) return;
    const at = new Date(now * 1000).toISOString();
    const digest = digestOf(given);
    const before = this.#before(challenge.ek);
    if (before?.digest === digest) {
      before.last = at;
      if (now - before.written < writtenEvery) return;
      const stored = this.#read(challenge.ek);
      if (stored) this.#state.putState(verdicts, challenge.ek, { ...stored, digest, last: at });
      before.written = now;
      return;
    }
    const explanation = explanationOf(given);
    this.#state.putState(verdicts, challenge.ek, { explanation, digest, since: at, last: at });
    this.#keepBoot(challenge.ek, explanation, appraisal);
    this.#remember(challenge.ek, { digest, since: at, last: at, written: now });
  }

  /** The last verdict about an endorsement key; undefined before the first. */
  of(ek: string): LastVerdict | undefined {
    const stored = this.#read(ek);
    if (stored === undefined) return undefined;
    const last = this.#remembered.get(ek)?.last ?? stored.last;
    return { ...stored, last };
  }

  /** What the host of a refused verdict booted; undefined when it was not kept. */
  bootOf(ek: string): RefusedBoot | undefined {
    const stored = this.#state.getState(boots, ek);
    if (stored === undefined) return undefined;
    const { log, pcrs, command_line: commandLine } = readBoot(stored);
    return {
      eventLog: new Uint8Array(inflateRawSync(fromBase64url(log), { maxOutputLength: maxLog })),
      pcrs: new Map(Object.entries(pcrs).map(([pcr, value]) => [Number(pcr), fromHex(value)])),
      ...(commandLine !== undefined && { commandLine }),
    };
  }

  #read(ek: string): LastVerdict | undefined {
    const stored = this.#state.getState(verdicts, ek);
    if (stored === undefined) return undefined;
    const { explanation, since, last } = readStored(stored);
    return { explanation: readExplanation(explanation), since, last };
  }

  #before(ek: string): Remembered | undefined {
    const known = this.#remembered.get(ek);
    if (known !== undefined) return known;
    const stored = this.#state.getState(verdicts, ek) as Partial<Remembered> | undefined;
    if (stored?.digest === undefined || stored.since === undefined || stored.last === undefined) return undefined;
    const { digest, since, last } = stored;
    return this.#remember(ek, { digest, since, last, written: Math.floor(Date.parse(last) / 1000) });
  }

  #remember(ek: string, row: Remembered): Remembered {
    if (this.#remembered.size >= maxRemembered) this.#remembered.clear();
    this.#remembered.set(ek, row);
    return row;
  }

  #keepBoot(ek: string, { nearest }: Explanation, appraisal: Appraisal): void {
    const { eventLog, commandLine } = appraisal.input.evidence;
    const packed =
      nearest === undefined || eventLog === undefined || eventLog.length > maxLog
        ? undefined
        : deflateRawSync(eventLog);
    if (packed === undefined || packed.length > maxPacked) {
      this.#state.deleteState(boots, ek);
      return;
    }
    const pcrs = Object.fromEntries([...appraisal.get('pcrs')].map(([pcr, value]) => [String(pcr), hex(value)]));
    const command_line = commandLine === undefined ? {} : { command_line: commandLine };
    this.#state.putState(boots, ek, { log: base64url(packed), pcrs, ...command_line });
  }
}

function digestOf({ appraised: { appraisal, findings, trusted }, record }: GivenVerdict): string {
  const image = trusted ? appraisal.get('image').name : undefined;
  const staged = appraisal.has('staged') ? appraisal.get('staged') : [];
  // What is only told may count something that grows with every round.
  const told = findings.map((finding) => (finding.severity === 'info' ? finding.check : finding));
  const said = [appraisal.input.host?.name, trusted, image, staged, told, record.policy];
  return createHash('sha256').update(JSON.stringify(said)).digest('base64url');
}
