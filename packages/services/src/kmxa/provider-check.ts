import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import type { KeyProvider } from '@vouchsafe/domain/keys/provider';
import type { KeyUse } from '@vouchsafe/domain/keys/reference';
import { Problem } from '@vouchsafe/domain/problem';
import { changed, failed } from '../management/recorded.ts';

/** A provider that gave a key and opened it again. */
export interface CheckedProvider {
  readonly provider: string;
  readonly kind: KeyProvider['kind'];
  /** What its keys may be used for. */
  readonly uses: readonly KeyUse[];
}

/**
 * Shows that this host can have a key of a provider: asks for a new one, opens it again as the start of a VM would, and
 * forgets it. Who reads the provider's records finds both.
 * @throws {Problem} why the host gets none; the audit has it too
 */
export async function checkProvider(
  provider: KeyProvider,
  audit: (entry: AuditEntry) => void,
): Promise<CheckedProvider> {
  const entry = changed('provider.check', 'provider', provider.id, { kind: provider.kind });
  try {
    const made = await provider.generate();
    const opened = await provider.open(made.reference);
    if (!made.key.equals(opened.key))
      throw new Problem('service.untrusted', 'the new key did not come back the same when it was opened again');
    audit(entry);
    return { provider: provider.id, kind: provider.kind, uses: opened.uses };
  } catch (error) {
    audit(failed(entry, error));
    throw error;
  }
}
