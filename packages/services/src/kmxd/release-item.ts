import { createSecretKey, randomBytes } from 'node:crypto';
import type { TokenClaims } from '@vouchsafe/domain/attestation/token';
import type { GroupStanding } from '@vouchsafe/domain/group/group-standing';
import { type KekHeader, openKek, readKekHeader } from '@vouchsafe/domain/keys/kek';
import type { ReleaseItem, ReleaseOperation, ReleaseRequest } from '@vouchsafe/domain/keys/release';
import { sealKeyTo } from '@vouchsafe/domain/keys/sealed-key';
import { Problem } from '@vouchsafe/domain/problem';
import { firstRefusal, type Rule } from '@vouchsafe/domain/rules';
import type { Provider, ProviderConfiguration } from './configuration.ts';
import type { PrimaryKeys } from './primary-keys.ts';
import { type HostRequestFor, hostRules, type OpenRequest, openRules, primaryKeyRule } from './release-rules.ts';

type Asked = ReleaseRequest['items'][number];

/** What releases work with. */
export interface ReleaseMeans {
  readonly providers: Pick<ProviderConfiguration, 'find'>;
  readonly primaryKeys: PrimaryKeys;
  readonly standing: GroupStanding;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/** What came of one item: what the host is told, and what only the audit knows. */
export interface Outcome {
  readonly item: ReleaseItem;
  /** Name of the primary key that wraps the KEK. */
  readonly kid?: string;
  /** Why it was refused. */
  readonly reason?: string;
}

export interface ReleaseRules {
  readonly host: readonly Rule<HostRequestFor>[];
  readonly open: readonly Rule<OpenRequest>[];
}
export const releaseRules: ReleaseRules = { host: hostRules, open: openRules };

/** Works on one item of an authorised request; never throws. */
export async function releaseItem(
  op: ReleaseOperation,
  asked: Asked,
  token: TokenClaims,
  means: ReleaseMeans,
  rules: ReleaseRules = releaseRules,
): Promise<Outcome> {
  const header = headerOf(asked.ct);
  try {
    return await release(op, asked, { token, header }, means, rules);
  } catch (error) {
    return { item: refusedItem(asked, error), reason: reasonOf(error), ...(header && { kid: header.kid }) };
  }
}

async function release(
  op: ReleaseOperation,
  { prv, ct }: Asked,
  { token, header }: { readonly token: TokenClaims; readonly header: KekHeader | undefined },
  means: ReleaseMeans,
  rules: ReleaseRules,
): Promise<Outcome> {
  const provider = means.providers.find(prv);
  if (provider === undefined) return await refuseAlike(ct, 'no such provider');
  const refusal = await firstRefusal(rules.host, { provider, token, standing: means.standing });
  if (refusal !== undefined) return await refuseAlike(ct, `${refusal.rule}: ${refusal.why}`);
  if (op === 'generate-key') return await generateKey(provider, token, means);
  if (ct === undefined) throw new Problem('input.invalid', `items: ct is needed for ${op}`);
  if (header === undefined) return await refuseAlike(ct, 'this is no KEK ciphertext');
  const why = await firstRefusal(rules.open, { provider, header, token });
  if (why?.rule === primaryKeyRule) throw new Problem('provider.catching-up', `provider ${provider.name}: ${why.why}`);
  if (why !== undefined) return await refuseAlike(ct, `${why.rule}: ${why.why}`);
  if (op === 'decrypt') return await decrypt(provider, header, ct, token, means);
  return await rewrap(provider, header, ct, means);
}

/** Makes a KEK, which is stored nowhere: its ciphertext is its identifier. */
async function generateKey(provider: Provider, { scope, rel }: TokenClaims, means: ReleaseMeans): Promise<Outcome> {
  const primary = await means.primaryKeys.current(provider);
  const kek = new Uint8Array(randomBytes(32));
  try {
    const ct = await primary.wrap({ prv: provider.id, scp: scope, iat: means.now() }, kek);
    const key = await sealKeyTo(rel, kek);
    return { item: { prv: provider.id, ct, key, uses: provider.uses }, kid: primary.uid };
  } finally {
    kek.fill(0);
  }
}

async function decrypt(
  provider: Provider,
  header: KekHeader,
  ct: string,
  { rel }: TokenClaims,
  means: ReleaseMeans,
): Promise<Outcome> {
  const primary = await means.primaryKeys.get(provider, header.kid, 'open');
  const key = await primary.open(ct, (kek) => sealKeyTo(rel, kek));
  return { item: { prv: provider.id, ct, key, uses: provider.uses }, kid: header.kid };
}

/** The same KEK under the current primary key; its plaintext does not leave, and it grows no younger. */
async function rewrap(provider: Provider, header: KekHeader, ct: string, means: ReleaseMeans): Promise<Outcome> {
  const old = await means.primaryKeys.get(provider, header.kid, 'rewrap');
  const current = await means.primaryKeys.current(provider);
  const { scp, iat } = header;
  const wrapped = await old.open(ct, (kek) => current.wrap({ prv: provider.id, scp, iat }, kek));
  return { item: { prv: provider.id, ct: wrapped }, kid: header.kid };
}

const nobodysKey = createSecretKey(randomBytes(32));

/** One answer whatever the reason, after the same work, so that nothing can be told apart. */
async function refuseAlike(ct: string | undefined, reason: string): Promise<never> {
  await openKek(nobodysKey, ct ?? '', () => undefined).catch(() => undefined);
  throw new Problem('release.refused', reason);
}

function headerOf(ct: string | undefined): KekHeader | undefined {
  try {
    return ct === undefined ? undefined : readKekHeader(ct);
  } catch {
    return undefined;
  }
}

/** A refusal as an item of the answer. */
export function refusedItem({ prv, ct }: Asked, error: unknown): ReleaseItem {
  const problem = error instanceof Problem ? error : new Problem('internal', 'internal error');
  const detail = problem.kind === 'release.refused' ? 'the key is not released' : problem.message.slice(0, 512);
  return { prv, ...(ct === undefined ? {} : { ct }), problem: problem.kind, detail };
}

const reasonOf = (error: unknown): string => (error as Error).message.slice(0, 512);
