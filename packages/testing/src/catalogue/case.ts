import type { CatalogueTpm, World } from './honest.ts';
import type { Mutator, Parts } from './parts.ts';

/** The families of the catalogue, in its order. */
export const families = {
  S: 'attestation structure and signature',
  P: 'PCR selection and banks',
  N: 'nonce, freshness, replay',
  K: 'attestation key, endorsement key, credential activation',
  C: 'certificates',
  L: 'event log',
  T: 'clock, reset, identity of a boot',
  B: 'base image and policy',
  J: 'tokens',
  R: 'key release',
  O: 'service and operation',
  X: 'attacks on the trust design',
} as const;
export type Family = keyof typeof families;

/** What must come out: acceptance, these findings of severity `fail` (all of them, each once), or this problem. */
export type Expectation = 'accept' | { readonly findings: readonly string[] } | { readonly problem: string };

/** What a mutation may use beside the honest attestation. */
export interface Bystanders {
  readonly world: World;
  readonly tpm: CatalogueTpm;
  /** Another approved host, and its honest attestation. */
  readonly other: { readonly tpm: CatalogueTpm; readonly parts: Parts };
}

/** One change of an honest attestation, and what must come out. */
export interface Mutation {
  /** The one changed thing. */
  readonly change: string;
  readonly mutate: (honest: Parts, bystanders: Bystanders) => ReturnType<Mutator>;
  readonly expect: Expectation;
  /** The check without which the attack succeeds, or all that stop it. Absent where what is refused could not be taken for evidence. */
  readonly without?: string | readonly string[];
}

/** A test that stands elsewhere, since the case needs real parts, a running service, or another package. */
export interface TestElsewhere {
  readonly file: string;
  readonly test: string;
}

export interface CatalogueCase {
  readonly id: string;
  /** The attack, or the honest host that must not be refused. */
  readonly what: string;
  readonly mutations?: readonly Mutation[];
  readonly tests?: readonly TestElsewhere[];
  /** The step that carries the case, when it is not this one, and what is there already. */
  readonly waits?: { readonly step: number; readonly why: string };
}

export const findings = (...ids: string[]): Expectation => ({ findings: ids });
export const problem = (kind: string): Expectation => ({ problem: kind });
