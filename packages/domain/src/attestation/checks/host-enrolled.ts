import type { Check } from '../appraisal.ts';
import { type KnownKeys, unknownKeys } from '../known-keys.ts';
import { type Finding, fail } from '../verdict.ts';

/**
 * Stops every genuine TPM that is not ours: anybody can buy one, and golden measurements are no secret. Name and scope
 * come from the registry only.
 */
export const hostEnrolled: Check = {
  id: 'host.enrolled',
  gateForStrangers: true,
  run(appraisal) {
    const { host, challenge, policy, known = unknownKeys } = appraisal.input;
    const refusal = refusalOf(host?.state, challenge.ek, known);
    if (refusal !== undefined) return [refusal];
    if (host === undefined) return [fail(this.id, 'no record')];
    const virtual = appraisal.has('tpm') && appraisal.get('tpm') === 'virtual';
    if (virtual && !policy.settings.virtual_tpm_scopes.includes(host.scope)) {
      return [fail('ek.virtual', `scope ${host.scope} accepts no virtual TPM`)];
    }
    appraisal.prove('host', host);
    return [];
  },
};

function refusalOf(state: string | undefined, ek: string, { sameTpm }: KnownKeys): Finding | undefined {
  if (state === 'approved') return undefined;
  if (state === 'revoked') return fail('host.revoked', `the endorsement key ${ek} was revoked`);
  const host = sameTpm.find((row) => row.state === 'approved');
  if (host !== undefined) {
    return fail(
      'host.not-enrolled',
      `the endorsement key ${ek} of host ${host.name} is not approved, only another one`,
      {
        advice: `a TrustedAdmin approves it: vouchsafe ek approve ${ek}`,
      },
    );
  }
  return fail('host.not-enrolled', `the endorsement key ${ek} is not approved: a genuine TPM alone is not enough`, {
    advice: `a TrustedAdmin approves it: vouchsafe ek approve ${ek} --name NAME --scope CLUSTER`,
  });
}
