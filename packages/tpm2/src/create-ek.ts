import { DecodeError } from '@vouchsafe/bytes/reader';
import type { Authorization } from './authorization.ts';
import { createPrimary } from './commands/create-primary.ts';
import { handlesFrom } from './commands/get-capability.ts';
import { readPublic, type TpmObject } from './commands/read-public.ts';
import { type EkTemplateName, ekTemplates, matchTemplate } from './ek-template.ts';
import { decodePublic } from './public.ts';
import type { Tpm } from './tpm.ts';
import type { TransientObject } from './transient-object.ts';

/** Derives the endorsement key of a template. Dispose of it. A TPM takes a second or more for RSA. */
export const createEk = (
  tpm: Tpm,
  template: EkTemplateName,
  endorsement: readonly Authorization[] = [],
): Promise<TransientObject> => createPrimary(tpm, 'endorsement', ekTemplates[template].area, {}, endorsement);

/** TCG Registry of Reserved TPM 2.0 Handles: where endorsement keys are made persistent. */
const [firstEk, lastEk] = [0x81010000, 0x810100ff];

/** The endorsement keys that are persistent already, with the template that each one equals. */
export async function persistentEks(tpm: Tpm): Promise<(TpmObject & { template: EkTemplateName })[]> {
  const found: (TpmObject & { template: EkTemplateName })[] = [];
  for (const handle of await handlesFrom(tpm, firstEk)) {
    if (handle > lastEk) break;
    const ek = await ekAt(tpm, handle);
    if (ek !== undefined) found.push(ek);
  }
  return found;
}

/** Undefined for keys of others, even ones with a public area that nothing here can read. */
async function ekAt(tpm: Tpm, handle: number): Promise<(TpmObject & { template: EkTemplateName }) | undefined> {
  try {
    const { publicArea, name } = await readPublic(tpm, handle);
    const template = matchTemplate(decodePublic(publicArea));
    return template && { handle, publicArea, name, template: template.name };
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** An endorsement key: the persistent one where there is one, else a transient one. Dispose of it either way. */
export async function openEk(tpm: Tpm, template: EkTemplateName): Promise<TpmObject & AsyncDisposable> {
  const persistent = (await persistentEks(tpm)).find((ek) => ek.template === template);
  return persistent === undefined
    ? createEk(tpm, template)
    : { ...persistent, [Symbol.asyncDispose]: () => Promise.resolve() };
}
