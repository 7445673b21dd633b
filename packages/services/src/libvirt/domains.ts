import type { LibvirtConnection } from './connection.ts';
import { libvirtCodes } from './error.ts';
import type { RemoteDomain } from './procedures.ts';
import { unless } from './secrets.ts';

/** virDomainModificationImpact: which definition of a domain is meant. */
const impact = { live: 1, config: 2 } as const;
/** virDomainXMLFlags. */
const xmlForms = { present: 0, inactive: 2, migratable: 8 } as const;
/** VIR_DOMAIN_METADATA_ELEMENT. */
const metadataElement = 2;

/** All domains, running or not. @throws {LibvirtError} */
export async function listDomains(connection: LibvirtConnection): Promise<RemoteDomain[]> {
  return (await connection.call('listDomains', { needResults: 1, flags: 0 })).domains;
}

/** The domain of that UUID or name, undefined when there is none. @throws {LibvirtError} */
export async function findDomain(connection: LibvirtConnection, nameOrUuid: string): Promise<RemoteDomain | undefined> {
  const byUuid = async () => (await connection.call('domainByUuid', { uuid: nameOrUuid })).dom;
  const byName = async () => (await connection.call('domainByName', { name: nameOrUuid })).dom;
  const found = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(nameOrUuid)
    ? await unless(libvirtCodes.noDomain, byUuid)
    : undefined;
  return found ?? (await unless(libvirtCodes.noDomain, byName));
}

/** XML of a domain as it runs now, as it will be started next, or as it would migrate. @throws {LibvirtError} */
export async function domainXml(
  connection: LibvirtConnection,
  dom: RemoteDomain,
  form: keyof typeof xmlForms = 'present',
): Promise<string> {
  return (await connection.call('domainXml', { dom, flags: xmlForms[form] })).xml;
}

/** Defines a domain, or changes the definition of the one with its name and UUID. @throws {LibvirtError} */
export async function defineDomain(connection: LibvirtConnection, xml: string): Promise<RemoteDomain> {
  return (await connection.call('domainDefine', { xml, flags: 0 })).dom;
}

/** The element of a namespace in the metadata of the stored definition. @throws {LibvirtError} */
export async function getMetadata(
  connection: LibvirtConnection,
  dom: RemoteDomain,
  uri: string,
): Promise<string | undefined> {
  const args = { dom, type: metadataElement, uri, flags: impact.config };
  return unless(libvirtCodes.noDomainMetadata, async () => (await connection.call('getMetadata', args)).metadata);
}

/**
 * Replaces that element, in the stored definition and, when the domain runs, in the running one too.
 * @param metadata the element as XML without its namespace, which libvirt adds under `prefix`; undefined removes it
 * @throws {LibvirtError}
 */
export async function setMetadata(
  connection: LibvirtConnection,
  dom: RemoteDomain,
  { uri, prefix, metadata }: { readonly uri: string; readonly prefix: string; readonly metadata: string | undefined },
): Promise<void> {
  const flags = dom.id < 0 ? impact.config : impact.config | impact.live;
  await connection.call('setMetadata', { dom, type: metadataElement, metadata, key: prefix, uri, flags });
}
