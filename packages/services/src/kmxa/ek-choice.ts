import { type EkTemplateName, ekTemplates } from '@vouchsafe/tpm2/ek-template';
import Type from 'typebox';

/** Kinds of endorsement keys, each with the templates that yield one, the likelier first. */
const kinds = {
  'p-256': ['H-2', 'L-2'],
  'rsa-2048': ['L-1', 'H-1'],
  'p-384': ['H-3'],
} as const satisfies Record<string, readonly EkTemplateName[]>;

/** Which endorsement key a host uses; `auto` takes the first that has a certificate, in the order of `templatesOf`. */
export const EkChoice = Type.Union([
  Type.Literal('auto'),
  Type.Literal('p-256'),
  Type.Literal('rsa-2048'),
  Type.Literal('p-384'),
]);
export type EkChoice = Type.Static<typeof EkChoice>;

/**
 * The templates of a choice in the order in which a key is looked for. P-384 comes last: a challenge to such a key
 * costs the Attestation Service ten times what it costs for the others.
 */
export const templatesOf = (choice: EkChoice): readonly EkTemplateName[] =>
  choice === 'auto' ? Object.values(kinds).flat() : kinds[choice];

/** The kind of a template's key. */
export const kindOf = (template: EkTemplateName): string => ekTemplates[template].title;
