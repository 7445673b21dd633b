import { createSecretKey, randomBytes } from 'node:crypto';
import type { TokenClaims } from '@vouchsafe/domain/attestation/token';
import { type KekHeader, openKek, readKekHeader, wrapKek } from '@vouchsafe/domain/keys/kek';
import type { ReleaseItem, ReleaseOperation, ReleaseRequest } from '@vouchsafe/domain/keys/release';
import { sealKeyTo } from '@vouchsafe/domain/keys/sealed-key';
import { Problem } from '@vouchsafe/domain/problem';
import { firstRefusal, type Rule } from '@vouchsafe/domain/rules';
import type { Provider, ProviderConfiguration } from './configuration.ts';
import type { PrimaryKeys } from './primary-keys.ts';

type Asked = ReleaseRequest['items'][number];

interface Keys {
  readonly providers: ProviderConfiguration;
  readonly primaryKeys: PrimaryKeys;
  readonly now: () => number;
}

/** Works on one item of an authorised request. @throws {Problem} */
export async function releaseItem(
  op: ReleaseOperation,
  item: Asked,
  token: TokenClaims,
  keys: Keys,
  rules: readonly Rule<OpenRequest>[],
): Promise<ReleaseItem> {
  const provider = keys.providers.find(item.prv);
  if (provider === undefined) return await refuseAlike(item);
  checkHost(provider, token);
  if (op === 'generate-key') return await generateKey(provider, token, keys);
  if (item.ct === undefined) throw new Problem('input.invalid', `items: ct is needed for ${op}`);
  const header = readKekHeader(item.ct);
  if ((await firstRefusal(rules, { provider, header, token })) !== undefined) return await refuseAlike(item);
  return op === 'decrypt'
    ? await decrypt(provider, header, item.ct, token, keys)
    : await rewrap(provider, header, item.ct, keys);
}

/** Makes a KEK, which is stored nowhere: its ciphertext is its identifier. */
async function generateKey(provider: Provider, token: TokenClaims, keys: Keys): Promise<ReleaseItem> {
  const { uid, key } = await keys.primaryKeys.current(provider);
  const kek = new Uint8Array(randomBytes(32));
  try {
    const ct = await wrapKek(key, { prv: provider.id, kid: uid, scp: token.scope, iat: keys.now() }, kek);
    return { prv: provider.id, ct, key: await sealKeyTo(token.rel, kek), uses: provider.uses };
  } finally {
    kek.fill(0);
  }
}

async function decrypt(
  provider: Provider,
  header: KekHeader,
  ct: string,
  token: TokenClaims,
  keys: Keys,
): Promise<ReleaseItem> {
  const primary = await keys.primaryKeys.get(provider, header.kid);
  const key = await openKek(primary, ct, (kek) => sealKeyTo(token.rel, kek));
  return { prv: provider.id, ct, key, uses: provider.uses };
}

/** The same KEK under the current primary key; its plaintext does not leave. */
async function rewrap(provider: Provider, { kid, scp }: KekHeader, ct: string, keys: Keys): Promise<ReleaseItem> {
  const old = await keys.primaryKeys.get(provider, kid);
  const { uid, key } = await keys.primaryKeys.current(provider);
  const maker = { prv: provider.id, kid: uid, scp, iat: keys.now() };
  return { prv: provider.id, ct: await openKek(old, ct, (kek) => wrapKek(key, maker, kek)) };
}

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
    id: 'kek.primary-key',
    stops: 'a name chosen by the host, by which any key on the key server could be used or probed for',
    whyNot: ({ provider, header }) =>
      provider.primary_keys.some(({ uid }) => uid === header.kid) ? undefined : 'it names no primary key of its own',
  },
  {
    id: 'kek.scope',
    stops: 'the keys of one cluster, opened by a host of another',
    whyNot: ({ provider, header, token }) =>
      provider.share === 'all' || header.scp === token.scope ? undefined : `scope ${header.scp} made it`,
  },
];

/** What a provider asks of hosts beyond a valid token. @throws {Problem} `release.unmeasured`, `release.refused` */
function checkHost(provider: Provider, { submods, enrolled }: TokenClaims): void {
  const vector = submods.host['ear.trustworthiness-vector'];
  const measured = vector.executables === 'affirming' && vector['file-system'] === 'affirming';
  if (!measured && !provider.accept_unmeasured_userspace) {
    throw new Problem(
      'release.unmeasured',
      `provider ${provider.name}: the base image of this host does not cover userspace`,
    );
  }
  if (enrolled === 'auto' && !provider.accept_auto_enrolled) {
    throw new Problem('release.refused', `provider ${provider.name}: nobody approved this host`);
  }
}

const nobodysKey = createSecretKey(randomBytes(32));

/** Unknown provider, unknown key, other scope: one answer, after the same work, so that nothing can be told apart. */
async function refuseAlike({ ct }: Asked): Promise<never> {
  await openKek(nobodysKey, ct ?? '', () => undefined).catch(() => undefined);
  throw new Problem('release.refused', 'the key is not released');
}

/** A refusal as an item of the answer. */
export function refusedItem({ prv, ct }: Asked, error: unknown): ReleaseItem {
  const problem = error instanceof Problem ? error : new Problem('internal', 'internal error');
  const detail = problem.kind === 'release.refused' ? 'the key is not released' : problem.message.slice(0, 512);
  return { prv, ...(ct === undefined ? {} : { ct }), problem: problem.kind, detail };
}
