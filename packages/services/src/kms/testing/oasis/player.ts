import { type OasisCase, type OasisExchange, withValues } from '@vouchsafe/kmip/testing/oasis';
import { fromXml } from '@vouchsafe/kmip/xml/decode';
import type { XmlElement } from '@vouchsafe/kmip/xml/element';
import { toXml } from '@vouchsafe/kmip/xml/encode';
import { compareAnswer, Difference, valueAt } from './compare.ts';
import { Bindings } from './variables.ts';

/** A server as a case is played against it. */
export interface Target {
  /** Sends a message and gives the answer. */
  ask(octets: Buffer): Promise<Buffer>;
  /** The server's clock, which stands still until it is moved. */
  now(): Date;
  advance(seconds: number): void;
}

/** How a case ended: with every answer as expected, or with the first that was not. */
export type Outcome = { readonly passed: true } | { readonly passed: false; readonly at: number; readonly why: string };

/**
 * Plays a case: each request in its order, each answer compared.
 * @param made ids of objects that the server made in earlier cases of the same set; those of this one are added
 */
export async function play(of: OasisCase, target: Target, made: Set<string>): Promise<Outcome> {
  const run = new Run(target, made);
  for (const [at, exchange] of of.exchanges.entries()) {
    try {
      await run.exchange(exchange);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const why = error instanceof Difference ? error.message : `${error.name}: ${error.message}`;
      return { passed: false, at, why };
    }
  }
  return { passed: true };
}

/** Longer than any date of a case lies ahead that it waits for. */
const wait = 130;

class Run {
  readonly #target: Target;
  readonly #values = new Map<string, string>();
  readonly #answers: XmlElement[] = [];
  readonly #dates = new Set<number>();
  readonly #made: Set<string>;
  readonly #random = new Set<string>();

  constructor(target: Target, made: Set<string>) {
    this.#target = target;
    this.#made = made;
  }

  async exchange({ request, response, notes }: OasisExchange): Promise<void> {
    if (notes.some((each) => each.includes('[Server-to-Client]')))
      throw new Difference('the server is to send a request to the client');
    if (notes.some((each) => each.includes('[REPEAT] until GetAttributes'))) this.#target.advance(wait);
    const now = this.#target.now();
    const said = withValues(request, new Bindings(now, this.#values, this.#answers));
    collectDates(said, this.#dates);
    const answer = toXml(await this.#target.ask(fromXml(said)), { secrets: 'shown' });
    this.#noteMade(said, answer);
    const context = {
      now,
      values: this.#values,
      request: said,
      dates: this.#dates,
      made: this.#made,
      random: this.#random,
    };
    compareAnswer(response, answer, context);
    this.#answers.push(answer);
  }

  /** Which objects the server made, and which keys are used with random numbers. */
  #noteMade(request: XmlElement, answer: XmlElement): void {
    const requests = request.children.filter(({ name }) => name === 'BatchItem');
    for (const [i, item] of answer.children.filter(({ name }) => name === 'BatchItem').entries()) {
      const payload = item.children.find(({ name }) => name === 'ResponsePayload');
      const asked = requests[i];
      const ids = ['UniqueIdentifier', 'PrivateKeyUniqueIdentifier', 'PublicKeyUniqueIdentifier'].flatMap(
        (name) => valueAt(payload, name) ?? [],
      );
      if (making.has(valueAt(item, 'Operation') ?? '')) for (const id of ids) this.#made.add(id);
      if (asked !== undefined && isRandom(asked)) for (const id of ids) this.#random.add(id);
    }
  }
}

const making = new Set(['Create', 'CreateKeyPair', 'ReKey', 'ReKeyKeyPair']);

/** Whether an item registers or uses a key with parameters that take random numbers. */
function isRandom(element: XmlElement): boolean {
  const { name, attributes, children } = element;
  const value = attributes.value ?? '';
  if (name === 'PaddingMethod' && (value === 'PSS' || value === 'OAEP')) return true;
  if (name === 'RandomIV' && value === 'true') return true;
  return children.some(isRandom);
}

function collectDates({ attributes, children }: XmlElement, dates: Set<number>): void {
  if (attributes.type === 'DateTime' && attributes.value !== undefined) dates.add(Date.parse(attributes.value) / 1000);
  for (const each of children) collectDates(each, dates);
}
