import Type from 'typebox';
import { rule } from './rule.ts';

/** shim enforces revocation by generation. */
export const shimSbatLevel = rule({
  help: 'shim measured an SBAT level of this date (ten digits) or later; empty: not asked for.',
  stops: 'a shim that starts loaders which were revoked by generation',
  advice: 'update shim, and set the SBAT policy with mokutil',
  needs: 'SbatLevel of PCR 7',
  schema: Type.String({ pattern: '^(?:\\d{10})?$' }),
  default: '',
  check(minimum, { facts: { sbatLevel } }) {
    if (sbatLevel === undefined) return [{ detail: 'shim measured no SBAT level', pcr: 7 }];
    const { date } = sbatLevel.value;
    return date >= minimum ? [] : [{ detail: `the SBAT level is of ${date}`, pcr: 7, event: sbatLevel.event }];
  },
});

/** Keys that the owner of the machine enrolled, not its maker. */
export const shimMokListTrusted = rule({
  help: 'The kernel does not trust machine owner keys for its modules.',
  stops: 'kernel modules that are signed by a key which root enrolled on the host',
  advice: 'on the host: mokutil --untrust-mok',
  needs: 'MokListTrusted of PCR 7; a shim that measures none has it off',
  schema: Type.Boolean(),
  default: false,
  check: (_on, { facts: { mokListTrusted } }) =>
    mokListTrusted?.value
      ? [{ detail: 'shim tells the kernel to trust machine owner keys', pcr: 7, event: mokListTrusted.event }]
      : [],
});
