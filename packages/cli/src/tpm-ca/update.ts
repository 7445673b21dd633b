import { Problem } from '@vouchsafe/domain/problem';
import { maxCrlBytes, readCrl } from '@vouchsafe/domain/x509/crl';
import type { CrlView, PlanView, Source } from '@vouchsafe/services/attestd/trust/views';
import { checkedUrl, type FetchRules, fetchListed, isListed } from './listed-fetch.ts';
import { crlOf, pemOf } from './pem-files.ts';

/** What became of one address. */
export interface Fetched {
  readonly url: string;
  readonly kind: Source['kind'];
  readonly outcome: 'loaded' | 'nothing new' | 'left out' | 'would be fetched' | 'failed';
  readonly detail: string;
}

/** How what was fetched is handed to the Attestation Service. */
export interface Loader {
  readonly loadCrl: (crl: string) => Promise<CrlView>;
  readonly loadIssuers: (certificates: string) => Promise<PlanView>;
}

/** Addresses that certificates name, and those that the administrator named. */
export interface Wanted {
  readonly sources: readonly Source[];
  readonly urls: readonly string[];
  readonly dryRun: boolean;
}

const limits = { limit: maxCrlBytes, timeout: 30_000 };

/** Fetches what is listed and hands it on, one address after the other; what fails keeps nothing else from being done. */
export async function* update(
  { sources, urls, dryRun }: Wanted,
  hosts: Pick<FetchRules, 'hosts' | 'privateHosts'>,
  loader: Loader,
): AsyncGenerator<Fetched> {
  for (const url of urls) checkedUrl(url, hosts);
  const named = urls.map((url) => ({ url, kind: undefined }));
  for (const { url, kind } of [...sources, ...named]) {
    const shown = kind ?? 'crl';
    if (kind !== undefined && !isListed(url, hosts))
      yield { url, kind, outcome: 'left out', detail: `its host is not listed: --host ${hostOf(url)}` };
    else if (dryRun) yield { url, kind: shown, outcome: 'would be fetched', detail: '' };
    else yield await fetchOne(url, kind, { ...hosts, ...limits }, loader);
  }
}

async function fetchOne(
  url: string,
  wanted: Source['kind'] | undefined,
  rules: FetchRules,
  loader: Loader,
): Promise<Fetched> {
  let kind = wanted ?? 'crl';
  try {
    const bytes = await fetchListed(url, rules);
    kind = wanted ?? (isCrl(bytes) ? 'crl' : 'issuer');
    const told = kind === 'crl' ? await withCrl(bytes, url, loader) : await withIssuers(bytes, url, loader);
    return { url, kind, ...told };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { url, kind, outcome: 'failed', detail: error.message };
  }
}

async function withCrl(
  bytes: Uint8Array,
  url: string,
  { loadCrl }: Loader,
): Promise<Pick<Fetched, 'outcome' | 'detail'>> {
  const { issuer, revoked, next_update = 'never' } = await loadCrl(crlOf(bytes, url));
  return { outcome: 'loaded', detail: `${issuer}: ${revoked} revoked, due again ${next_update}` };
}

async function withIssuers(
  bytes: Uint8Array,
  url: string,
  { loadIssuers }: Loader,
): Promise<Pick<Fetched, 'outcome' | 'detail'>> {
  const { intermediates, skipped } = await loadIssuers(pemOf(bytes, url));
  if (intermediates.length === 0) return { outcome: 'nothing new', detail: skipped.map(({ why }) => why).join('; ') };
  return { outcome: 'loaded', detail: intermediates.map(({ subject }) => subject).join('; ') };
}

function isCrl(bytes: Uint8Array): boolean {
  try {
    readCrl(Buffer.from(crlOf(bytes, ''), 'base64'));
    return true;
  } catch {
    return false;
  }
}

const hostOf = (url: string): string => URL.parse(url)?.host || 'HOST';
