import { readFile } from 'node:fs/promises';
import { TestingError } from './error.ts';
import { until } from './wait.ts';

/** What a machine printed on its serial line, read from a file that grows. */
export class Serial {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Everything so far; nothing when the file is not there yet. */
  async text(): Promise<string> {
    try {
      return await readFile(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw error;
    }
  }

  /** Length of the text so far: what to wait behind when an earlier occurrence must not count. */
  async mark(): Promise<number> {
    return (await this.text()).length;
  }

  /**
   * Waits for a text or a match.
   * @param after position from {@link mark} that the search starts at
   * @returns the match
   * @throws {TestingError} `not-ready` with the last lines
   */
  async waitFor(wanted: string | RegExp, ms: number, after = 0): Promise<string> {
    try {
      return await until(`${wanted} on the serial line`, ms, async () =>
        find((await this.text()).slice(after), wanted),
      );
    } catch (error) {
      if (!(error instanceof TestingError)) throw error;
      const last = (await this.text()).trimEnd().split('\n').slice(-5).join('; ');
      throw new TestingError('not-ready', `${error.message}; last lines: ${last}`, { cause: error });
    }
  }
}

function find(text: string, wanted: string | RegExp): string | undefined {
  if (typeof wanted === 'string') return text.includes(wanted) ? wanted : undefined;
  return wanted.exec(text)?.[0];
}

/** The serial line whose log stands at a path. */
export const serial = (path: string): Serial => new Serial(path);
