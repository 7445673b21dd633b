import { Problem } from '@vouchsafe/domain/problem';
import { defineDomain, domainXml, findDomain } from '../libvirt/domains.ts';
import { type ReadDomain, readDomain } from './domain-xml.ts';
import type { LibvirtLink } from './libvirt-link.ts';
import { safeOf } from './opened-safe.ts';

/** A domain whose key safe is the one that was just written. */
export interface SealedDomain extends ReadDomain {
  readonly gen: number;
}

/** A domain that does not run, as it will be started next. @throws {Problem} `object.unknown`, `disk.busy` */
export async function shutOffDomain(vm: string, libvirt: LibvirtLink): Promise<ReadDomain> {
  return await libvirt.use(async (connection) => {
    const found = await findDomain(connection, vm);
    if (found === undefined) throw new Problem('object.unknown', `no domain ${vm} on this host`);
    if (found.id >= 0) throw new Problem('disk.busy', `domain ${vm} is running: shut it down first`);
    return await readDomain(await domainXml(connection, found, 'inactive'));
  });
}

/**
 * Defines a domain with its key safe and reads it back: what libvirt keeps must be what was sealed.
 * @throws {Problem} `libvirt.refused`
 */
export async function defineSealed(xml: string, libvirt: LibvirtLink): Promise<SealedDomain> {
  const wanted = await readDomain(xml);
  return await libvirt.use(async (connection) => {
    const defined = await defineDomain(connection, xml);
    const back = await readDomain(await domainXml(connection, defined, 'inactive'));
    const { safe } = safeOf(back, undefined);
    if (back.domain.keysafe !== wanted.domain.keysafe || safe.bound.h !== back.hash) {
      throw new Problem(
        'libvirt.refused',
        `domain ${back.domain.name}: libvirt keeps another domain than the one that was sealed`,
      );
    }
    return { ...back, gen: safe.gen };
  });
}
