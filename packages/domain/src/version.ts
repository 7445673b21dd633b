/**
 * Compares two versions as Debian does (Debian Policy 5.6.12): runs of digits as numbers, letters before anything else,
 * `~` before the end. The whole text is compared at once, hyphens are not cut off: releases of a kernel (`6.1.0-32-amd64`)
 * carry their revision in the middle. A pre-release as semantic versions write it (`6.2.0-rc1`, SemVer 2.0.0 item 9)
 * stands before its release.
 * @returns negative when `a` is older, 0 when both are the same, positive when `a` is newer
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [pieces(a), pieces(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const order = i % 2 === 0 ? compareTexts(left[i] ?? '', right[i] ?? '') : compareNumbers(left[i], right[i]);
    if (order !== 0) return order;
  }
  return 0;
}

/** What a version may look like here; bounded, so that comparing costs nothing. */
export const versionPattern = '^[A-Za-z0-9][A-Za-z0-9.+~:_-]{0,127}$';

const preRelease = /-(?=(?:alpha|beta|pre|rc)(?:[.\d]|$))/g;

/** Texts at even places, numbers at odd ones. */
const pieces = (version: string): string[] => version.replaceAll(preRelease, '~').split(/(\d+)/);

const rank = (character: string | undefined): number => {
  if (character === '~') return -1;
  if (character === undefined) return 0;
  const code = character.codePointAt(0)!;
  return /[A-Za-z]/.test(character) ? code : code + 256;
};

function compareTexts(a: string, b: string): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const order = rank(a[i]) - rank(b[i]);
    if (order !== 0) return order;
  }
  return 0;
}

/** By length and then as text: kernels of vendors carry numbers that no double holds. */
function compareNumbers(a = '', b = ''): number {
  const [x, y] = [a, b].map((digits) => digits.replace(/^0+/, '')) as [string, string];
  return x.length - y.length || (x < y ? -1 : x > y ? 1 : 0);
}
