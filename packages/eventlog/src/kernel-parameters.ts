/** A parameter of a kernel command line. */
export interface KernelParameter {
  /** As written, without the quotes around it. */
  readonly text: string;
  readonly name: string;
  readonly value: string | undefined;
  /** Behind `--`: for the first program, not for the kernel. */
  readonly forInit: boolean;
}

const maxLength = 65_536;
const isSpace = (char: string | undefined) => char !== undefined && /[\s\xa0]/.test(char);

/**
 * The parameters of a command line as the kernel splits it (lib/cmdline.c, next_arg): at white space outside of double
 * quotes; quotes around a value or around a whole parameter are taken off.
 * @throws {RangeError} when the text is longer than any kernel takes
 */
export function kernelParameters(commandLine: string): KernelParameter[] {
  if (commandLine.length > maxLength) throw new RangeError(`command line of ${commandLine.length} characters`);
  const parameters: KernelParameter[] = [];
  let forInit = false;
  for (let at = 0; at < commandLine.length; ) {
    if (isSpace(commandLine[at])) {
      at++;
      continue;
    }
    const end = endOf(commandLine, at);
    const parameter = parameterOf(commandLine.slice(at, end));
    if (parameter.text === '--' && !forInit) forInit = true;
    else parameters.push({ ...parameter, forInit });
    at = end;
  }
  return parameters;
}

function endOf(text: string, start: number): number {
  let quoted = false;
  let at = start;
  while (at < text.length && (quoted || !isSpace(text[at]))) {
    if (text[at] === '"') quoted = !quoted;
    at++;
  }
  return at;
}

function parameterOf(raw: string): Omit<KernelParameter, 'forInit'> {
  const whole = raw.startsWith('"') ? raw.slice(1).replace(/"$/, '') : raw;
  const equals = whole.indexOf('=');
  if (equals <= 0) return { text: whole, name: whole, value: undefined };
  const value = whole.slice(equals + 1);
  const bare = value.startsWith('"') ? value.slice(1).replace(/"$/, '') : value;
  const name = whole.slice(0, equals);
  return { text: `${name}=${bare}`, name, value: bare };
}

/** `-` and `_` are one in names of parameters, to the kernel (kernel/params.c, parameq) and to systemd. */
export const sameName = (name: string): string => name.replaceAll('-', '_');
