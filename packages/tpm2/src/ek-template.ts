import { equalBytes } from '@vouchsafe/bytes/equal';
import { fromHex } from '@vouchsafe/bytes/hex';
import type { CurveName, HashName } from './algorithms.ts';
import { encodePublic, noAttributes, type TpmaObject, type TpmtPublic } from './public.ts';

/** A template of the TCG EK Credential Profile. */
export interface EkTemplate {
  /** Name of the annex, for instance `L-1`. */
  readonly name: EkTemplateName;
  /** What the key is, in words. */
  readonly title: string;
  /** NV index of the certificate of the key that the template yields. */
  readonly certificateIndex: number;
  readonly area: TpmtPublic;
}

/** PolicySecret(TPM_RH_ENDORSEMENT): EK Credential Profile 2.5, B.6. */
const policyA = '837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa';
/** PolicyOR of policyA and PolicyAuthorizeNV: B.6. */
const policyB = {
  sha256: 'ca3d0a99a2b93906f7a3342414efcfb3a385d44cd1fd459089d19b5071c0b7a0',
  sha384: 'b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12',
} as const;

const storageKey: TpmaObject = {
  ...noAttributes,
  fixedTPM: true,
  fixedParent: true,
  sensitiveDataOrigin: true,
  adminWithPolicy: true,
  restricted: true,
  decrypt: true,
};
const lowRange = (nameAlg: HashName) => ({ nameAlg, objectAttributes: storageKey, authPolicy: fromHex(policyA) });
const highRange = (nameAlg: 'sha256' | 'sha384') => ({
  nameAlg,
  objectAttributes: { ...storageKey, userWithAuth: true },
  authPolicy: fromHex(policyB[nameAlg]),
});

const aes = (keyBits: number) => ({ algorithm: 'aes', keyBits, mode: 'cfb' }) as const;
const noScheme = { scheme: 'null', details: undefined } as const;

const rsa2048 = (common: ReturnType<typeof lowRange>, uniqueSize: number): TpmtPublic => ({
  type: 'rsa',
  ...common,
  parameters: { symmetric: aes(128), scheme: noScheme, keyBits: 2048, exponent: 0 },
  unique: new Uint8Array(uniqueSize),
});
const ecc = (
  common: ReturnType<typeof lowRange>,
  curveID: CurveName,
  keyBits: number,
  uniqueSize: number,
): TpmtPublic => ({
  type: 'ecc',
  ...common,
  parameters: { symmetric: aes(keyBits), scheme: noScheme, curveID, kdf: noScheme },
  unique: { x: new Uint8Array(uniqueSize), y: new Uint8Array(uniqueSize) },
});

/** TCG EK Credential Profile 2.5, B.3 (low range) and B.4 (high range); NV indices from its table in 2.2.1.4 and 2.2.1.5. */
export const ekTemplates = {
  'L-1': { title: 'RSA-2048', certificateIndex: 0x01c00002, area: rsa2048(lowRange('sha256'), 256) },
  'L-2': { title: 'ECC P-256', certificateIndex: 0x01c0000a, area: ecc(lowRange('sha256'), 'nistP256', 128, 32) },
  'H-1': { title: 'RSA-2048', certificateIndex: 0x01c00012, area: rsa2048(highRange('sha256'), 0) },
  'H-2': { title: 'ECC P-256', certificateIndex: 0x01c00014, area: ecc(highRange('sha256'), 'nistP256', 128, 0) },
  'H-3': { title: 'ECC P-384', certificateIndex: 0x01c00016, area: ecc(highRange('sha384'), 'nistP384', 256, 0) },
} as const satisfies Record<string, Omit<EkTemplate, 'name'>>;
export type EkTemplateName = keyof typeof ekTemplates;

/** All templates, in the order in which an EK is looked for: ECC is quicker. */
export const allEkTemplates: readonly EkTemplate[] = (['H-3', 'H-2', 'L-2', 'H-1', 'L-1'] as const).map((name) => ({
  name,
  ...ekTemplates[name],
}));

/** The template that a whole public area equals apart from `unique`; undefined when there is none. */
export function matchTemplate(area: TpmtPublic): EkTemplate | undefined {
  const own = withoutUnique(area);
  return allEkTemplates.find((_, i) => equalBytes(encodedTemplates[i]!, own));
}

function withoutUnique(area: TpmtPublic): Uint8Array {
  if (area.type !== 'ecc') return encodePublic({ ...area, unique: new Uint8Array() });
  return encodePublic({ ...area, unique: { x: new Uint8Array(), y: new Uint8Array() } });
}

const encodedTemplates = allEkTemplates.map((template) => withoutUnique(template.area));
