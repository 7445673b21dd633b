import { kernelParameters, sameName } from '@vouchsafe/eventlog/kernel-parameters';

/**
 * Whether a kernel with this command line measures what root executes and reads from its first program on
 * (Linux: security/integrity/ima/ima_policy.c, default_policy_setup; ima_main.c). `ima_policy` is a list of built-in
 * policies, `ima_tcb` an older name of one. Words behind `--`, inside of quotes or of other parameters are none of the
 * kernel's.
 */
export function measuresRoot(commandLine: string): boolean {
  const parameters = kernelParameters(commandLine).filter(({ forInit }) => !forInit);
  const values = (name: string) => parameters.filter((each) => sameName(each.name) === name);
  if (values('ima').some(({ value }) => value === 'off')) return false;
  const tcb = values('ima_policy').some(({ value }) => (value ?? '').split(/[ |\n]/).includes('tcb'));
  return tcb || values('ima_tcb').some(({ value }) => value === undefined);
}
