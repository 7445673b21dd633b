import { Problem } from '@vouchsafe/domain/problem';
import { type DomainDescription, describeDomain } from '@vouchsafe/domain/profile/description';
import { ProfileError } from '@vouchsafe/domain/profile/error';
import { type SecurityProfile, securityProfile } from '@vouchsafe/domain/profile/profile';

/** A domain XML, read: what it describes and what a key safe is bound to. */
export interface ReadDomain {
  readonly xml: string;
  readonly domain: DomainDescription;
  readonly profile: SecurityProfile;
  readonly hash: string;
}

/** @throws {Problem} `input.malformed` */
export function readDomain(xml: string): ReadDomain {
  try {
    return { xml, domain: describeDomain(xml), ...securityProfile(xml) };
  } catch (cause) {
    if (!(cause instanceof ProfileError)) throw cause;
    throw new Problem('input.malformed', cause.message, { cause });
  }
}
