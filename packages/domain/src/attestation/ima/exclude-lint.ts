import { acceptsAll, compileGlob, type Glob, GlobError, globMatches } from '../../glob.ts';
import { Problem } from '../../problem.ts';
import { isPlainPath } from './plain-path.ts';

/**
 * Files of which an exclude must not match any: whoever may change one of them is root at the next boot, or ends the
 * measuring. An exclude that matches one matches many like it.
 */
const needed: readonly (readonly [path: string, what: string])[] = [
  ['/usr/bin/a', 'programs'],
  ['/usr/sbin/a', 'programs'],
  ['/usr/local/bin/a', 'programs'],
  ['/usr/lib/a.so', 'libraries'],
  ['/usr/lib/x86_64-linux-gnu/a.so.1', 'libraries'],
  ['/usr/lib/systemd/systemd', 'the first program of all'],
  ['/usr/lib/modules/6.1.0/kernel/a.ko', 'kernel modules'],
  ['/usr/libexec/a', 'programs'],
  ['/usr/share/a', 'what programs read'],
  ['/bin/a', 'programs'],
  ['/sbin/a', 'programs'],
  ['/lib/a.so', 'libraries'],
  ['/lib/modules/6.1.0/kernel/a.ko', 'kernel modules'],
  ['/lib64/a.so', 'libraries'],
  ['/opt/a', 'programs'],
  ['/init', 'the first program of all'],
  ['/etc/a', 'configuration'],
  ['/etc/ima/ima-policy', 'rules that end the measuring'],
  ['/etc/ld.so.preload', 'libraries of every program'],
  ['/etc/ld.so.cache', 'where programs find their libraries'],
  ['/etc/passwd', 'users'],
  ['/etc/shadow', 'passwords'],
  ['/etc/crontab', 'commands that root executes'],
  ['/etc/systemd/system/a.service', 'commands that root executes'],
  ['/etc/modprobe.d/a.conf', 'commands that root executes'],
  ['/etc/udev/rules.d/a.rules', 'commands that root executes'],
  ['/etc/vouchsafe/host.toml', 'which Trust Authority this host believes'],
  ['/root/.ssh/authorized_keys', 'who may log in as root'],
  ['/root/.bashrc', 'commands that root executes'],
  ['/boot/vmlinuz', 'the next boot'],
];

/**
 * Reads the excludes of a policy, and refuses those that leave nothing to be judged.
 * @throws {Problem} `input.invalid` naming the exclude, and what it would let through
 */
export const readExcludes = (excludes: readonly string[]): Glob[] =>
  excludes.map((pattern, i) => readExclude(pattern, `excludes[${i}]: ${JSON.stringify(pattern)}`));

function readExclude(pattern: string, field: string): Glob {
  const refuse = (why: string) => new Problem('input.invalid', `${field}: ${why}`);
  const glob = compiled(pattern, refuse);
  if (acceptsAll(glob)) throw refuse('matches everything, so that IMA would prove nothing; name a folder');
  if (!pattern.startsWith('/')) throw refuse('expected an absolute path, as the kernel logs them');
  if (glob.tokens.length === 0 && !isPlainPath(glob.prefix)) throw refuse('no file has this path, so it matches none');
  if (!/^\/[^/]+\//.test(glob.prefix) && glob.tokens.length > 0) throw refuse('expected its first folder by name');
  const hit = needed.find(([path]) => globMatches(glob, path));
  if (hit !== undefined) throw refuse(`matches ${hit[0]} and its like (${hit[1]}); name the files that change`);
  return glob;
}

function compiled(pattern: string, refuse: (why: string) => Problem): Glob {
  try {
    return compileGlob(pattern);
  } catch (error) {
    if (error instanceof GlobError) throw refuse(error.message);
    throw error;
  }
}
