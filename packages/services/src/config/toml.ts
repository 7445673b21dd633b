import { readFileSync } from 'node:fs';
import { Problem } from '@vouchsafe/domain/problem';
import { parse, TomlError } from 'smol-toml';

/** A configuration file as text. @throws {Problem} `file.unreadable` */
export function readConfigText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Problem('file.unreadable', `${path}: ${(cause as Error).message}`, { cause });
  }
}

/** TOML as a table. @throws {Problem} `config.invalid` naming line and column */
export function parseToml(text: string, path: string): Record<string, unknown> {
  try {
    return parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new Problem('config.invalid', `${path}: ${tomlFault(cause)}`, { cause });
  }
}

/** Place and reason alone: the parser's message shows the lines around it as well. */
function tomlFault(cause: unknown): string {
  const [reason = ''] = (cause as Error).message.split('\n');
  return cause instanceof TomlError ? `line ${cause.line}, column ${cause.column}: ${reason}` : reason;
}
