/** A named reason to refuse something, and the attack that it stops. */
export interface Rule<T> {
  readonly id: string;
  readonly stops: string;
  /** Why the subject is refused; undefined when this rule has nothing against it. */
  whyNot(subject: T): string | undefined | Promise<string | undefined>;
}

/** The rule that refused, and why. */
export interface Refusal {
  readonly rule: string;
  readonly why: string;
}

/** The first refusal in the order of the rules: a later rule may change state, and must not be asked in vain. */
export async function firstRefusal<T>(rules: readonly Rule<T>[], subject: T): Promise<Refusal | undefined> {
  for (const { id, whyNot } of rules) {
    const why = await whyNot(subject);
    if (why !== undefined) return { rule: id, why };
  }
  return undefined;
}
