import type { Check } from '../appraisal.ts';
import type { HostRecord } from '../host-record.ts';
import { unknownKeys } from '../known-keys.ts';
import { type Finding, fail, warn } from '../verdict.ts';

const id = 'ak.shared';

/**
 * Stops a revoked TPM that comes back by another of its endorsement keys. It is known by its attestation key, which
 * the same TPM makes again from the same template, and which no other TPM can have (fixedTPM: TPM 2.0 Part 2, 8.3 TPMA_OBJECT).
 */
export const akShared: Check = {
  id,
  run({ input }) {
    const { sameTpm, akIsEkOf } = input.known ?? unknownKeys;
    const revoked = sameTpm.find(({ state }) => state === 'revoked');
    if (revoked !== undefined) {
      return [
        fail('host.revoked', `this TPM was revoked as host ${revoked.name}, by its endorsement key ${revoked.ek}`, {
          advice: `a TPM that was revoked by mistake: vouchsafe ek delete ${revoked.ek}, then approve it anew`,
        }),
      ];
    }
    if (akIsEkOf !== undefined) {
      return [
        fail(id, `the attestation key is the endorsement key of host ${akIsEkOf.name}: no TPM makes such a key`, {
          advice: 'look at this host: something speaks for a TPM that is none',
        }),
      ];
    }
    return input.host?.state === 'approved' ? otherNames(input.host, sameTpm) : [];
  },
};

/** One TPM under two names is one host too many: whoever revokes one of them means the other as well. */
function otherNames(host: HostRecord, sameTpm: readonly HostRecord[]): Finding[] {
  const other = sameTpm.find(({ state, name }) => state === 'approved' && name !== host.name);
  if (other === undefined) return [];
  return [
    warn(id, `the TPM of host ${host.name} is approved as host ${other.name} too`, {
      advice: `vouchsafe ek delete ${other.ek}, then approve it as host ${host.name}`,
    }),
  ];
}
