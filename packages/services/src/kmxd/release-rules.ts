import type { TokenClaims } from '@vouchsafe/domain/attestation/token';
import type { GroupStanding } from '@vouchsafe/domain/group/group-standing';
import { providerSubject } from '@vouchsafe/domain/group/group-state';
import type { KekHeader } from '@vouchsafe/domain/keys/kek';
import type { Rule } from '@vouchsafe/domain/rules';
import type { Provider } from './configuration.ts';

/** A host that wants anything of a provider. */
export interface HostRequestFor {
  readonly provider: Provider;
  readonly token: TokenClaims;
  readonly standing: GroupStanding;
}

/** What a provider asks of hosts beyond a valid token. The host is told none of the reasons. */
export const hostRules: readonly Rule<HostRequestFor>[] = [
  {
    id: 'provider.revoked',
    stops: 'keys of a provider that was taken out of service at another member of the group',
    whyNot: ({ provider, standing }) =>
      standing.isDenied(providerSubject(provider.id)) ? `provider ${provider.name} was revoked` : undefined,
  },
  {
    id: 'provider.scope',
    stops: 'the provider of one tenant, used by hosts of another',
    whyNot: ({ provider: { scopes }, token: { scope } }) =>
      scopes === undefined || scopes.includes(scope) ? undefined : `it serves no hosts of scope ${scope}`,
  },
  {
    id: 'provider.userspace',
    stops: 'a host with a genuine boot whose programs were exchanged',
    whyNot: ({ provider, token: { submods, img } }) => {
      const vector = submods.host['ear.trustworthiness-vector'];
      const measured = vector.executables === 'affirming' && vector['file-system'] === 'affirming';
      if (measured || provider.accept_unmeasured_userspace) return undefined;
      return `base image ${img} does not cover userspace`;
    },
  },
  {
    id: 'provider.enrolled',
    stops: 'any machine with a genuine TPM, where hosts are enrolled without being asked for',
    whyNot: ({ provider, token: { enrolled } }) =>
      enrolled === 'approved' || provider.accept_auto_enrolled ? undefined : 'nobody approved this host',
  },
];

/**
 * Asked last: whoever breaks no other rule may have a ciphertext that another member made under a primary key that is
 * as yet unheard of here.
 */
export const primaryKeyRule = 'kek.primary-key';

/** A ciphertext that a host wants opened. Of its header nothing is proven yet. */
export interface OpenRequest {
  readonly provider: Provider;
  readonly header: KekHeader;
  readonly token: TokenClaims;
}

/** What a ciphertext is not opened for. The host is told none of the reasons. */
export const openRules: readonly Rule<OpenRequest>[] = [
  {
    id: 'kek.provider',
    stops: 'the ciphertext of one provider, opened through another one that shares its key server',
    whyNot: ({ provider, header }) => (header.prv === provider.id ? undefined : `it was made by ${header.prv}`),
  },
  {
    id: 'kek.scope',
    stops: 'the keys of one cluster, opened by a host of another',
    whyNot: ({ provider: { share }, header: { scp }, token: { scope } }) => {
      if (share === 'all' || scp === scope) return undefined;
      const paired = share !== 'own' && share.some((pair) => pair.made_in === scp && pair.opened_in === scope);
      return paired ? undefined : `scope ${scp} made it, not ${scope}`;
    },
  },
  {
    id: 'kek.age',
    stops: 'the ciphertext of a key from before everything was encrypted anew, kept in a backup',
    whyNot: ({ provider: { min_kek_iat = 0 }, header: { iat } }) =>
      iat >= min_kek_iat ? undefined : `it is of ${dateOf(iat)}, nothing older than ${dateOf(min_kek_iat)} is opened`,
  },
  {
    id: primaryKeyRule,
    stops: 'a name chosen by the host, by which any key on the key server could be used or probed for',
    whyNot: ({ provider: { primary_keys }, header: { kid } }) =>
      primary_keys.some(({ uid }) => uid === kid) ? undefined : `${kid} is no primary key of it, here and now`,
  },
];

const dateOf = (seconds: number): string => new Date(seconds * 1000).toISOString();
