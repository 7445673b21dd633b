/** The states of a managed object (KMIP 1.4, 3.22), and that a server does not have it. */
export const keyStates = [
  'Active',
  'Deactivated',
  'Compromised',
  'Pre-Active',
  'Missing',
  'Destroyed',
  'Destroyed Compromised',
] as const;
/** In the order of what they allow: of two that servers tell, the later one counts. */
export type KeyState = (typeof keyStates)[number];

/** What a primary key is wanted for: new KEKs, KEKs that a host gets, KEKs that are only wrapped anew. */
export type KeyPurpose = 'wrap' | 'open' | 'rewrap';

const allowed: Readonly<Record<KeyState, readonly KeyPurpose[]>> = {
  Active: ['wrap', 'open', 'rewrap'],
  Deactivated: ['open', 'rewrap'],
  // Refusing everything would leave a site without a way to get away from the key.
  Compromised: ['rewrap'],
  'Pre-Active': [],
  Missing: [],
  Destroyed: [],
  'Destroyed Compromised': [],
};

export const allows = (state: KeyState, purpose: KeyPurpose): boolean => allowed[state].includes(purpose);

/** What one key server says of a key, and when it did, in seconds of any clock. */
export interface ServerWord {
  readonly server: string;
  /** What it said last. */
  readonly state: KeyState | undefined;
  /** When that was. */
  readonly at: number;
  /** Why it said nothing when it was asked last. */
  readonly problem: string | undefined;
  /** Which of the two does not trust the other, when that is why. */
  readonly distrust?: 'of server' | 'of client';
}

/**
 * The most restrictive state that any server told. A server without the key says nothing about it while others have it,
 * unless it had it before: a new key takes its time to all replicas, one that is gone was destroyed.
 */
export function worstState(words: readonly ServerWord[]): KeyState | undefined {
  const told = words.flatMap(({ state }) => (state === undefined ? [] : [state]));
  const known = told.filter((state) => state !== 'Missing');
  const counted = known.length > 0 ? known : told;
  return counted.toSorted((a, b) => keyStates.indexOf(b) - keyStates.indexOf(a))[0];
}

/** What a server says now, after what it said before. */
export function nextWord(before: ServerWord | undefined, now: ServerWord): ServerWord {
  if (now.state === undefined && before !== undefined) return { ...now, state: before.state, at: before.at };
  const had = before?.state !== undefined && before.state !== 'Missing';
  return had && now.state === 'Missing' ? { ...now, state: 'Destroyed' } : now;
}
