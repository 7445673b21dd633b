import { XMLSerializer } from '@xmldom/xmldom';
import { keysafeNamespace } from './description.ts';
import { ProfileError } from './error.ts';
import { attribute, child, children, type Element, elements, parseDomainXml } from './xml.ts';

/** What changes in a domain when disks of it become encrypted. */
export interface Encryption {
  /** Target of the disk and UUID of the libvirt secret that opens it. */
  readonly disks: readonly { readonly target: string; readonly secretUuid: string }[];
  /** Text of the key safe; leaves the one that is there when absent. */
  readonly keysafe?: string;
}

/**
 * The domain XML with encrypted disks and a key safe; everything else stays as it is.
 * @throws {ProfileError} when the XML cannot be used or has no such disk
 */
export function withEncryption(xml: string, { disks, keysafe }: Encryption): string {
  const domain = parseDomainXml(xml);
  const all = children(child(domain, 'devices'), 'disk');
  for (const { target, secretUuid } of disks) {
    const disk = all.find((each) => attribute(child(each, 'target'), 'dev') === target);
    if (disk === undefined) throw new ProfileError('domain.invalid', `domain.devices.disk: no disk ${target}`);
    encrypt(disk, secretUuid);
  }
  if (keysafe !== undefined) setKeysafe(domain, keysafe);
  return new XMLSerializer().serializeToString(domain as unknown as Parameters<XMLSerializer['serializeToString']>[0]);
}

function encrypt(disk: Element, secretUuid: string): void {
  const source = child(disk, 'source');
  if (source === undefined) throw new ProfileError('domain.invalid', 'domain.devices.disk: no source');
  for (const old of children(source, 'encryption')) source.removeChild(old);
  const encryption = append(source, 'encryption', { format: 'luks' });
  append(encryption, 'secret', { type: 'passphrase', uuid: secretUuid });
}

function setKeysafe(domain: Element, keysafe: string): void {
  const metadata = child(domain, 'metadata') ?? domain.insertBefore(create(domain, 'metadata'), domain.firstChild);
  for (const old of elements(metadata as Element).filter((each) => each.namespaceURI === keysafeNamespace)) {
    metadata.removeChild(old);
  }
  const element = domain.ownerDocument?.createElementNS(keysafeNamespace, 'vs:keysafe');
  if (element === undefined) throw new ProfileError('domain.invalid', 'domain: no document');
  element.appendChild(text(domain, keysafe));
  metadata.appendChild(element);
}

function append(parent: Element, name: string, attributes: Record<string, string>): Element {
  const element = create(parent, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.appendChild(element);
  return element;
}

function create(near: Element, name: string): Element {
  const element = near.ownerDocument?.createElement(name);
  if (element === undefined) throw new ProfileError('domain.invalid', 'domain: no document');
  return element;
}

function text(near: Element, data: string) {
  const node = near.ownerDocument?.createTextNode(data);
  if (node === undefined) throw new ProfileError('domain.invalid', 'domain: no document');
  return node;
}
