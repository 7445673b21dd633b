import Type from 'typebox';
import { rule, unproven } from './rule.ts';

/** Secure Boot as the firmware measured it before it started anything. */
export const secureBootRequired = rule({
  help: 'Secure Boot is on, and neither setup mode nor audit mode.',
  stops: 'a host whose Secure Boot was switched off',
  advice: 'switch Secure Boot on in the firmware of the host',
  needs: 'variable SecureBoot of PCR 7',
  schema: Type.Boolean(),
  default: false,
  check(_on, { facts }) {
    const { secureBoot, setupMode, auditMode } = facts;
    if (secureBoot === undefined) return [unproven('the variable SecureBoot', 7)];
    return [
      ...(secureBoot.value ? [] : [{ detail: 'Secure Boot is off', pcr: 7, event: secureBoot.event }]),
      ...(setupMode?.value ? [{ detail: 'the firmware is in setup mode', pcr: 7, event: setupMode.event }] : []),
      ...(auditMode?.value ? [{ detail: 'the firmware is in audit mode', pcr: 7, event: auditMode.event }] : []),
    ];
  },
});
