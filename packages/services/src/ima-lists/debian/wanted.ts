import { Problem } from '@vouchsafe/domain/problem';
import { paragraphs } from './paragraphs.ts';

/** A package that a list is to hold. */
export interface WantedPackage {
  readonly name: string;
  /** Any version of the archive when absent. */
  readonly version: string | undefined;
  readonly architecture: string | undefined;
}

const maxPackages = 100_000;
const name = /^([a-z0-9][a-z0-9+.-]{1,127})(?::([a-z0-9-]{1,32}))?$/;
const version = /^[A-Za-z0-9.+:~-]{1,256}$/;

/**
 * Reads which packages are wanted: lines as `dpkg-query -W` writes them (name, perhaps with `:architecture`, then the
 * version), names alone, or dpkg's status file, of which those that are installed count.
 * @throws {Problem} `input.malformed` naming the line
 */
export function readWanted(what: string, text: string): WantedPackage[] {
  const wanted = /^Package:/m.test(text) ? fromStatus(what, text) : fromLines(what, text);
  if (wanted.length === 0) throw new Problem('input.invalid', `${what}: no packages`);
  if (wanted.length > maxPackages) throw new Problem('input.too-large', `${what}: more than ${maxPackages} packages`);
  return wanted;
}

function fromLines(what: string, text: string): WantedPackage[] {
  return text.split('\n').flatMap((line, i) => {
    const words = line.trim().split(/\s+/);
    if (words[0] === '' || line.startsWith('#')) return [];
    const [, own, architecture] = name.exec(words[0]!) ?? [];
    const fits = words.length <= 2 && own !== undefined && (words[1] === undefined || version.test(words[1]));
    if (!fits) {
      throw new Problem('input.malformed', `${what}: line ${i + 1}: expected PACKAGE, or PACKAGE and VERSION`);
    }
    return [{ name: own, version: words[1], architecture }];
  });
}

function fromStatus(what: string, text: string): WantedPackage[] {
  const wanted: WantedPackage[] = [];
  for (const fields of paragraphs(what, text)) {
    if (!/ installed$/.test(fields.get('status') ?? '')) continue;
    const own = fields.get('package') ?? '';
    if (!name.test(own)) throw new Problem('input.malformed', `${what}: Package: ${own.slice(0, 100)}`);
    wanted.push({ name: own, version: fields.get('version'), architecture: fields.get('architecture') });
  }
  return wanted;
}
