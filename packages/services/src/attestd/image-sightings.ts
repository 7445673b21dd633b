import type { ConfigStore } from '@vouchsafe/store/config-store';

/** That a host had an image, and when last. */
export interface Sighting {
  readonly host: string;
  readonly ek: string;
  /** ISO 8601. */
  readonly last: string;
  /** When it last passed with this image; absent while the image was staged. */
  readonly passed?: string;
}

/** What an approved host had: the image that it passed with (and the parts of a composition), and staged ones. */
export interface SeenImages {
  readonly ek: string;
  readonly host: string;
  readonly passed: readonly string[];
  readonly staged: readonly string[];
}

/** When a host last had an image, and when it passed with it (0: never), in seconds since 1970. */
type Times = readonly [last: number, passed: number];

/** What is kept of one host, by name of the image. */
interface Seen {
  readonly host: string;
  readonly images: Readonly<Record<string, Times>>;
}

type State = Pick<ConfigStore, 'listState' | 'putState'>;

const collection = 'image-sightings';

/** Older times of a host are written again when this many seconds have passed: a write costs as much as a verdict. */
const writtenEvery = 3600;

/** More images than this are not remembered of one host; the oldest go first. */
const imagesOfHost = 32;

/**
 * Which hosts had which image, and when last: those that they passed with, and staged ones. What this instance saw; a
 * time may be up to an hour old after a restart.
 */
export class ImageSightings {
  readonly #state: State;
  readonly #hosts: Map<string, Seen>;
  readonly #written = new Map<string, number>();

  constructor(state: State) {
    this.#state = state;
    this.#hosts = new Map(state.listState(collection).map(({ name, body }) => [name, body as Seen]));
  }

  /** @param now seconds since 1970 */
  saw({ ek, host, passed, staged }: SeenImages, now: number): void {
    const names = [...passed, ...staged];
    if (names.length === 0) return;
    const before = this.#hosts.get(ek);
    const timesOf = (name: string): Times => [now, passed.includes(name) ? now : (own(before?.images, name)?.[1] ?? 0)];
    const times = { ...before?.images, ...Object.fromEntries(names.map((name) => [name, timesOf(name)])) };
    const kept = Object.entries(times)
      .toSorted(([, [a]], [, [b]]) => b - a)
      .slice(0, imagesOfHost);
    const seen = { host, images: Object.fromEntries(kept) };
    this.#hosts.set(ek, seen);
    const told =
      before?.host === host && names.every((name) => hasBeenTold(own(before.images, name), passed.includes(name)));
    if (told && now - (this.#written.get(ek) ?? 0) < writtenEvery) return;
    this.#state.putState(collection, ek, seen);
    this.#written.set(ek, now);
  }

  /** The hosts that had an image since it was imported, the latest first. */
  of(image: string, imported: string): Sighting[] {
    const since = Math.floor(Date.parse(imported) / 1000);
    return [...this.#hosts]
      .flatMap(([ek, { host, images }]) => {
        const [last, passed] = own(images, image) ?? [Number.NEGATIVE_INFINITY, 0];
        return last < since ? [] : [{ ek, host, last: iso(last), ...(passed > since && { passed: iso(passed) }) }];
      })
      .toSorted((a, b) => b.last.localeCompare(a.last) || a.host.localeCompare(b.host));
  }
}

const iso = (seconds: number) => new Date(seconds * 1000).toISOString();

const hasBeenTold = (times: Times | undefined, passes: boolean): boolean =>
  times !== undefined && (!passes || times[1] > 0);

/** Names of images come from outside: `constructor` is one. */
const own = (images: Seen['images'] | undefined, name: string): Times | undefined =>
  images !== undefined && Object.hasOwn(images, name) ? images[name] : undefined;
