import type { OasisVariables } from '@vouchsafe/kmip/testing/oasis';
import type { XmlElement } from '@vouchsafe/kmip/xml/element';

/** The values that a run of a case has given its variables. */
export class Bindings implements OasisVariables {
  readonly now: Date;
  readonly #values: Map<string, string>;
  readonly #answers: readonly XmlElement[];

  /** @param answers all answers so far: a request may name a field of an earlier one, as `$DATA_0` and `$SIGNATURE_DATA` do */
  constructor(now: Date, values: Map<string, string>, answers: readonly XmlElement[]) {
    this.now = now;
    this.#values = values;
    this.#answers = answers;
  }

  get(name: string): string | undefined {
    return this.#values.get(name) ?? lastNamed(this.#answers, name.replace(/_\d+$/, ''));
  }
}

/** `IV_COUNTER_NONCE` is the name `IVCounterNonce`. */
const upper = (name: string): string => name.replace(/([a-z])([A-Z])|([A-Z])([A-Z][a-z])/g, '$1$3_$2$4').toUpperCase();

function lastNamed(elements: readonly XmlElement[], wanted: string): string | undefined {
  for (const each of elements.toReversed()) {
    const inside = lastNamed(each.children, wanted);
    if (inside !== undefined) return inside;
    if (upper(each.name) === wanted && each.attributes.value !== undefined) return each.attributes.value;
  }
  return undefined;
}
