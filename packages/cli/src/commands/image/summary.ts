import type { View } from '../../output.ts';

/** A base image as attestd lists it. */
export interface ImageSummary {
  readonly name: string;
  readonly version: string;
  readonly created: string;
  /** `staged`, `active`, `retired`, or why an active one does not count now. */
  readonly standing: string;
  readonly not_before?: string;
  readonly not_after?: string;
  readonly kernel?: string;
  /** How many hosts have it. */
  readonly hosts?: number | readonly unknown[];
  readonly coverage: string;
  /** Whose signature its file had. */
  readonly signer?: string;
  /** Where it was captured, as an Attestation Service confirmed. */
  readonly captured?: {
    readonly ek: string;
    readonly tpm: string;
    readonly host?: string;
    readonly by: string;
    readonly at: string;
  };
}

export const summaryView: View<ImageSummary> = {
  columns: [
    ['name', ({ name }) => name],
    ['state', ({ standing }) => standing],
    ['version', ({ version }) => version],
    ['kernel', ({ kernel }) => kernel],
    ['until', ({ not_after }) => not_after],
    ['hosts', ({ hosts }) => hosts],
    ['created', ({ created }) => created],
    ['coverage', ({ coverage }) => coverage],
  ],
  name: ({ name }) => name,
  empty: 'no base image is imported: no host can be attested',
};

export const images = '/attestation/os/base-images';

export const imagePath = (name: string): string => `${images}/${encodeURIComponent(name)}`;

/** Says whose word stands behind an image. */
export function* origin({ signer, captured }: Pick<ImageSummary, 'signer' | 'captured'>): Generator<string> {
  if (signer !== undefined) yield `signed by ${signer}`;
  if (captured === undefined) {
    yield 'no Attestation Service confirmed its capture';
    return;
  }
  const { host, ek, tpm, by, at } = captured;
  const where = host ?? `a TPM that was not approved then (${ek})`;
  yield `captured on ${where}${tpm === 'virtual' ? ', a virtual TPM' : ''}, confirmed by ${by} at ${at}`;
}
