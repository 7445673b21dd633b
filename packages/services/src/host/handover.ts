import type { MemberEntry } from '@vouchsafe/domain/group/member';
import { sealSecret } from '@vouchsafe/domain/group/sealed-secret';
import type { GroupHost } from './group-host.ts';

/** Name of the one secret that all members share. */
export const caKeyName = 'group-ca-key';
/** The group CA is made once. */
export const caKeyGeneration = 1;

/** The secrets of the group, sealed to a member and signed by this one. */
export async function handover(host: GroupHost, { id, enc }: MemberEntry): Promise<Record<string, string>> {
  using key = host.authority.privateKey();
  const claims = { aud: id, group: host.group.id, sub: caKeyName, gen: caKeyGeneration, iat: host.now() };
  return { [caKeyName]: await sealSecret(host.identity, enc, claims, key) };
}
