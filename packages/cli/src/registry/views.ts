import type { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import type { HostSummary } from '@vouchsafe/services/attestd/registry/host-summary';
import type { ShownPending } from '@vouchsafe/services/attestd/registry/pending-host';
import type { View } from '../output.ts';

/** Rows of the registry: one endorsement key each. */
export const rowView: View<HostRecord> = {
  columns: [
    ['host', ({ name }) => name],
    ['scope', ({ scope }) => scope],
    ['state', ({ state }) => state],
    ['tpm', ({ tpm, manufacturer }) => [tpm, manufacturer].filter((each) => each !== undefined).join(' ')],
    ['since', ({ since }) => since],
    ['endorsement key', ({ ek }) => ek],
  ],
  name: ({ ek }) => ek,
  empty: 'no endorsement key is approved: no host can be attested',
};

/** TPMs that wait. */
export const pendingView: View<ShownPending> = {
  columns: [
    ['endorsement key', ({ ek }) => ek],
    [
      'tpm',
      ({ tpm, manufacturer, model }) => [tpm, manufacturer, model].filter((each) => each !== undefined).join(' '),
    ],
    ['image', ({ image }) => image ?? 'NONE MATCHES'],
    ['same TPM as', ({ same_tpm_as: same }) => same && `${same.name}${same.state === 'revoked' ? ' (REVOKED)' : ''}`],
    ['since', ({ since }) => since],
  ],
  name: ({ ek }) => ek,
  empty: 'no TPM waits for approval',
};

/** Hosts, each with all its endorsement keys. */
export const hostView: View<HostSummary> = {
  columns: [
    ['host', ({ name }) => name],
    ['scope', ({ scope }) => scope],
    ['state', ({ state }) => state],
    ['tpm', ({ tpm }) => tpm],
    ['enrolled', ({ enrolled }) => enrolled],
    ['last attested', ({ last_attested }) => last_attested ?? 'never'],
    ['endorsement keys', ({ endorsement_keys: keys }) => keys.filter(({ state }) => state === 'approved').length],
  ],
  name: ({ name }) => name,
  empty: 'the registry is empty: no host can be attested',
};
