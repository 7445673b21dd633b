import { readFileSync } from 'node:fs';

/** Clock ticks a second of /proc (USER_HZ, 100 on every Linux of x86-64). */
const ticks = 100;

/** What a process has cost so far. */
export interface ProcessCost {
  /** Seconds of processor time, all threads. */
  readonly cpu: number;
  /** Resident memory in bytes, now and at most. */
  readonly rss: number;
  readonly peak: number;
}

export function costOf(pid: number): ProcessCost {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in brackets may hold anything: fields are counted behind it (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return { cpu: (Number(fields[11]) + Number(fields[12])) / ticks, rss: kib('VmRSS'), peak: kib('VmHWM') };
}
