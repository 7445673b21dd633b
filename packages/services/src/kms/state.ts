import type { revocationReasonCode, state } from '@vouchsafe/kmip/enums';

/** KMIP 1.4, 3.22; the life cycle is that of NIST SP 800-57 part 1, 7. */
export type State = keyof typeof state;

/** What can happen to an object, and where it leads from each state. What is not listed cannot happen. */
const transitions = {
  activate: { 'Pre-Active': 'Active' },
  deactivate: { Active: 'Deactivated' },
  compromise: {
    'Pre-Active': 'Compromised',
    Active: 'Compromised',
    Deactivated: 'Compromised',
    Destroyed: 'Destroyed Compromised',
  },
  destroy: { 'Pre-Active': 'Destroyed', Deactivated: 'Destroyed', Compromised: 'Destroyed Compromised' },
} as const satisfies Record<string, Partial<Record<State, State>>>;

/** What can happen to an object. */
export type Transition = keyof typeof transitions;

/** The state that follows; nothing when this cannot happen in this state. */
export const after = (from: State, transition: Transition): State | undefined =>
  (transitions[transition] as Partial<Record<State, State>>)[from];

/** Which transition a revocation is. */
export const revocationTransition = (code: keyof typeof revocationReasonCode): Transition =>
  code === 'Key Compromise' || code === 'CA Compromise' ? 'compromise' : 'deactivate';
