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
