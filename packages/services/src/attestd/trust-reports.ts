import { randomUUID } from 'node:crypto';
import { GroupStanding } from '@vouchsafe/domain/group/group-standing';
import { type GroupChange, readGroupChange } from '@vouchsafe/domain/group/group-state';
import { Problem } from '@vouchsafe/domain/problem';
import type { ConfigStore } from '@vouchsafe/store/config-store';

/** What a change of configuration means for tokens that exist, and for the other members of the group. */
export type TrustChange =
  /** A host (`ek:` and the hash of its EK) was revoked or deleted: none of its tokens counts. */
  | { readonly deny: string }
  /** A host was approved: what denied it until now is lifted. */
  | { readonly lift: string }
  /** Trust was taken from images, CAs or settings: all hosts attest again. */
  | { readonly raise: true };

/** Takes in a change of trust within the transaction that makes it. */
export type ToldTrust = (change: TrustChange) => void;

export interface TrustReportsInput {
  readonly store: ConfigStore;
  readonly standing: GroupStanding;
  /** Has the group take in a change, durably. @throws {Problem} */
  readonly report: (change: GroupChange) => Promise<void>;
  /** Seconds since 1970. */
  readonly now: () => number;
}

const collection = 'trust-reports';
const retryAfter = 1000;

/**
 * Carries changes of trust to the group. They are written in the transaction of the change itself, so that neither is
 * there without the other, and are delivered until the part `host` has them.
 */
export class TrustReports {
  readonly #input: TrustReportsInput;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(input: TrustReportsInput) {
    this.#input = input;
    this.#soon(0);
  }

  /** Belongs into the transaction of the change. */
  readonly take: ToldTrust = (change) => {
    const { store, now } = this.#input;
    const at = String(now()).padStart(12, '0');
    const said = changeFor(change, this.#expected(change), now());
    if (Object.keys(said).length > 0) store.putState(collection, `${at}-${randomUUID()}`, said);
    // Later: the transaction around this may still be taken back.
    this.#soon(0);
  };

  /** Delivers what is waiting. @throws {Problem} `host.not-ready`, `denials.full` when it cannot be delivered */
  async flush(): Promise<void> {
    do {
      this.#running ??= this.#deliver().finally(() => {
        this.#running = undefined;
      });
      await this.#running;
    } while (this.waiting > 0 && !this.#closed);
  }

  /** How many changes wait to be delivered. */
  get waiting(): number {
    return this.#input.store.listState(collection).length;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running?.catch(() => undefined);
  }

  /** What will stand once all is delivered that waits: an approval lifts the revocation just before it. */
  #expected(change: TrustChange): GroupStanding {
    const { store, standing } = this.#input;
    const expected = new GroupStanding();
    expected.join(standing.state('raise' in change ? [] : ['deny' in change ? change.deny : change.lift]));
    for (const { body } of store.listState(collection)) expected.join(readGroupChange(body));
    return expected;
  }

  async #deliver(): Promise<void> {
    const { store, report, standing } = this.#input;
    // Here all of it holds at once, whoever else has heard of it.
    for (const { body } of store.listState(collection)) standing.join(readGroupChange(body));
    const held: unknown[] = [];
    for (const { name, body } of store.listState(collection)) {
      if (this.#closed) return;
      const change = readGroupChange(body);
      standing.join(change);
      try {
        await report(change);
        store.deleteState(collection, name);
      } catch (error) {
        // One that finds no room must not hold up those behind it: changes of a group have no order.
        if (!(error instanceof Problem) || error.kind !== 'denials.full') throw error;
        held.push(error);
      }
    }
    if (held.length > 0) throw held[0];
  }

  #soon(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.flush().catch((error: unknown) => {
        if (!(error instanceof Problem)) throw error;
        if (!this.#closed) this.#soon(retryAfter);
      });
    }, ms).unref();
  }
}

function changeFor(change: TrustChange, standing: GroupStanding, now: number): GroupChange {
  if ('deny' in change) return standing.denial(change.deny, now);
  return 'lift' in change ? standing.lifting(change.lift) : standing.raising();
}
