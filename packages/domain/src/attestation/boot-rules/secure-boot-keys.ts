import { hex } from '@vouchsafe/bytes/hex';
import { digest } from '@vouchsafe/eventlog/algorithms';
import type { DatabaseVariable } from '@vouchsafe/eventlog/facts/secure-boot';
import { type BootRule, rule, unproven } from './rule.ts';
import { Digests } from './values.ts';

/** All entries of a key variable are in a list of the administrator. */
export const secureBootKeys = (name: Extract<DatabaseVariable, 'PK' | 'KEK' | 'db'>, who: string): BootRule =>
  rule({
    help: `Every certificate or hash in ${name} is one of these, by its SHA-256; empty: ${name} is left to the image.`,
    stops: `a host whose firmware trusts ${who} of somebody else`,
    advice: `restore ${name} in the firmware of the host, or add the entry to the rule`,
    needs: `variable ${name} of PCR 7`,
    schema: Digests,
    default: [],
    check(allowed, { facts }) {
      const fact = facts.databases[name];
      const entries = fact?.value.signatures;
      if (fact === undefined || entries === undefined) return [unproven(`the variable ${name}`, 7)];
      if (entries.length === 0) return [{ detail: `${name} is empty`, pcr: 7, event: fact.event }];
      return entries
        .map(({ type, data }) => (type === 'sha256' ? hex(data) : hex(digest('sha256', data))))
        .filter((entry) => !allowed.includes(entry))
        .map((entry) => ({
          detail: `${name} holds ${entry}, which the rule does not name`,
          pcr: 7,
          event: fact.event,
        }));
    },
  });
