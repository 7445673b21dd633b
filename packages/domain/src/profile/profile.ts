import { createHash } from 'node:crypto';
import { base64url } from '@vouchsafe/bytes/base64url';
import { codeFilesOf, type Digests } from './boot.ts';
import { ProfileError } from './error.ts';
import { type Fact, factText } from './fact.ts';
import { domainFacts } from './parts.ts';
import { maxDomainXml, parseDomainXml } from './xml.ts';

/**
 * Everything in a domain that decides what code enters the guest and where its data goes, in exactly one spelling.
 * A key safe is bound to its hash, so that a copied key safe opens nothing in a domain built differently.
 */
export interface SecurityProfile {
  readonly v: 1;
  /** Sorted by their text, each once. */
  readonly facts: readonly Fact[];
}

/**
 * Security profile of a domain and its hash, base64url(SHA-256(profileText)).
 * The same for the XML given to libvirt and for every form in which libvirt shows the domain later.
 * @param digests of the files that `codeFiles` names: without them the profile holds their paths alone, and whoever can
 *   write to those files decides what runs in the guest
 * @throws {ProfileError} when the XML cannot be used
 */
export function securityProfile(
  xml: string,
  digests: Digests = new Map(),
): { readonly profile: SecurityProfile; readonly hash: string } {
  const byText = new Map(domainFacts(parseDomainXml(xml), digests).map((each) => [factText(each), each]));
  const facts = [...byText].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
  const profile: SecurityProfile = { v: 1, facts };
  return { profile, hash: profileHash(profile) };
}

/** Paths of the files whose digests belong into the profile. @throws {ProfileError} when the XML cannot be used */
export const codeFiles = (xml: string): string[] => codeFilesOf(parseDomainXml(xml));

/** The profile as JSON text in exactly one spelling. */
export const profileText = (profile: SecurityProfile): string =>
  `{"facts":[${profile.facts.map(factText).join(',')}],"v":1}`;

export const profileHash = (profile: SecurityProfile): string =>
  base64url(createHash('sha256').update(profileText(profile), 'utf8').digest());

/** A profile from the text that `profileText` wrote. @throws {ProfileError} for any other text */
export function parseProfile(text: string): SecurityProfile {
  if (text.length > maxDomainXml)
    throw new ProfileError('profile.invalid', `profile: ${text.length} characters, limit ${maxDomainXml}`);
  const profile = readJson(text) as SecurityProfile | null;
  const facts = Array.isArray(profile?.facts) ? profile.facts : undefined;
  if (profile?.v !== 1 || facts === undefined || !facts.every(isFact) || profileText(profile) !== text)
    throw new ProfileError('profile.invalid', 'profile: expected the text of a security profile of version 1');
  return profile;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProfileError('profile.invalid', 'profile: not JSON', { cause });
  }
}

const isFact = (value: unknown): value is Fact =>
  typeof value === 'object' &&
  value !== null &&
  'kind' in value &&
  'id' in value &&
  Object.values(value).every((each) => typeof each === 'string' || typeof each === 'boolean');
