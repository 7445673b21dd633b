import { strongHashes } from './algorithms.ts';
import { TpmError } from './error.ts';
import type { TpmtPublic } from './public.ts';
import { signingSchemeOf } from './signing-scheme.ts';

/** What a key lacks of an attestation key. */
export type AkFaultCode =
  | 'ak.restricted'
  | 'ak.sign'
  | 'ak.decrypt'
  | 'ak.fixedTPM'
  | 'ak.fixedParent'
  | 'ak.sensitiveDataOrigin'
  | 'ak.nameAlg'
  | 'ak.scheme';

/** One thing that is wrong with an attestation key. */
export interface AkFault {
  readonly code: AkFaultCode;
  readonly detail: string;
}

/** Attributes (Part 2, 8.3) that must be as said, and what a key with the other value could do. */
const attributes = [
  ['restricted', true, 'it would sign data from outside as if the TPM had made them'],
  ['sign', true, 'it is no signing key'],
  ['decrypt', false, 'it would also decrypt'],
  ['fixedTPM', true, 'it could leave its TPM'],
  ['fixedParent', true, 'it could be moved under another parent'],
  ['sensitiveDataOrigin', true, 'its private part may come from outside the TPM'],
] as const;

/** Everything that keeps a key from being an attestation key: a key that only ever signs what its TPM says of itself. */
export function akFaults(area: TpmtPublic): AkFault[] {
  const faults: AkFault[] = [];
  for (const [name, expected, reason] of attributes) {
    if (area.objectAttributes[name] !== expected)
      faults.push({ code: `ak.${name}`, detail: `${name} is ${expected ? 'clear' : 'set'}: ${reason}` });
  }
  if (!strongHashes.has(area.nameAlg))
    faults.push({ code: 'ak.nameAlg', detail: `nameAlg is ${area.nameAlg}, expected sha256 or better` });
  const scheme = schemeFault(area);
  if (scheme !== undefined) faults.push({ code: 'ak.scheme', detail: scheme });
  return faults;
}

function schemeFault(area: TpmtPublic): string | undefined {
  try {
    const { hash } = signingSchemeOf(area);
    return strongHashes.has(hash) ? undefined : `the key signs with ${hash}, expected sha256 or better`;
  } catch (error) {
    if (error instanceof TpmError) return error.message;
    throw error;
  }
}
