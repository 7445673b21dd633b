import { type Fact, fact, picked } from './fact.ts';
import { isHostPath } from './host-paths.ts';
import { attribute, child, children, type Element } from './xml.ts';

/**
 * Backends of character devices that stay with libvirt's own console or with the graphics server, which has facts of
 * its own. All others connect the guest with a file, a socket or a device.
 */
const consoleBackends = new Set(['pty', 'null', 'vc', 'stdio', 'spicevmc', 'spiceport', 'qemu-vdagent', 'dbus']);

const sourceAttributes = ['mode', 'path', 'host', 'service', 'master', 'slave'] as const;

/** Facts of a serial port, console, channel or parallel port: where its bytes go, unless only to libvirt's console. */
export function chardevFacts(element: Element): Fact[] {
  const kind = isFirstSerial(element) ? 'serial' : (element.localName ?? '');
  return [...backendFacts(kind, element), ...logFacts(kind, element)];
}

/** Where the backend of `element` (also that of `<rng>` or `<redirdev>`) leads. */
export function backendFacts(kind: string, element: Element): Fact[] {
  const type = attribute(element, 'type') ?? 'pty';
  const path = attribute(child(element, 'source'), 'path');
  if (consoleBackends.has(type)) return [];
  if (type === 'unix' && (path === undefined || isHostPath('channel', path))) return [];
  return [fact(kind, backendText(element))];
}

/** Kind and addresses of a backend, for instance `tcp mode=connect host=192.0.2.1 service=4444`. */
export const backendText = (element: Element): string =>
  [
    attribute(element, 'type') ?? 'pty',
    ...children(element, 'source').map((source) => picked(source, sourceAttributes)),
  ].join(' ');

/** `<log file>`: a copy of everything that passes, in a file on the host. */
function logFacts(kind: string, element: Element): Fact[] {
  const file = attribute(child(element, 'log'), 'file');
  return file === undefined ? [] : [fact('log file', `${kind} ${file}`)];
}

/** libvirt shows the first serial port a second time as a console, and makes it from a console where it is missing. */
const isFirstSerial = (element: Element): boolean =>
  element.localName === 'console' && (attribute(child(element, 'target'), 'type') ?? 'serial') === 'serial';
