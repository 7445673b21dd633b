import { type AkType, akTemplates } from './ak-template.ts';
import type { Authorization } from './authorization.ts';
import { createPrimary } from './commands/create-primary.ts';
import type { TpmtPublic } from './public.ts';
import type { Tpm } from './tpm.ts';
import type { TransientObject } from './transient-object.ts';

/** Which attestation key to make. */
export interface AkOptions {
  readonly type?: AkType;
  /** Tells several keys of one type apart, at most 32 bytes: another value, another key. */
  readonly label?: Uint8Array;
  /** Authorizes the use of the endorsement hierarchy; its empty authorization value when absent. */
  readonly endorsement?: Authorization;
}

/**
 * Makes an attestation key, as a primary key under the endorsement hierarchy: there the counters in its signatures are
 * plain (Part 3, 18.1), and the same options yield the same key until the hierarchy's seed is changed. Dispose of it.
 */
export function createAk(tpm: Tpm, { type = 'ecc', label, endorsement }: AkOptions = {}): Promise<TransientObject> {
  const template = label === undefined ? akTemplates[type] : labelled(akTemplates[type], label);
  return createPrimary(tpm, 'endorsement', template, {}, endorsement === undefined ? [] : [endorsement]);
}

function labelled(template: (typeof akTemplates)[AkType], label: Uint8Array): TpmtPublic {
  if (label.length > 32) throw new TypeError(`the label has ${label.length} bytes, limit 32`);
  if (template.type === 'rsa') return { ...template, unique: label };
  return { ...template, unique: { x: label, y: new Uint8Array() } };
}
