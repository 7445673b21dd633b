import Type from 'typebox';
import { rule, unproven } from './rule.ts';

/** A list of revocations that is there at all; which entries it must hold is a minimum, not a rule. */
export const secureBootDbx = rule({
  help: 'dbx is there and holds revocations; which ones it must hold is set by `vouchsafe image minimums`.',
  stops: 'a firmware whose list of revoked loaders was emptied',
  advice: 'install the current dbx with fwupd',
  needs: 'variable dbx of PCR 7',
  schema: Type.Boolean(),
  default: false,
  check(_on, { facts }) {
    const dbx = facts.databases.dbx;
    if (dbx?.value.signatures === undefined) return [unproven('the variable dbx', 7)];
    return dbx.value.signatures.length > 0 ? [] : [{ detail: 'dbx is empty', pcr: 7, event: dbx.event }];
  },
});
