import { equalBytes } from '@vouchsafe/bytes/equal';
import type { ProvenFacts } from '@vouchsafe/eventlog/proven';
import Type from 'typebox';
import { type Breach, rule } from './rule.ts';

/** A firmware that says that Secure Boot is on, and did not act like it. */
export const secureBootConsistent = rule({
  help: 'Where the firmware says that Secure Boot is on, it verified what it started with entries of its own db, and dbx does not name them.',
  stops: 'a firmware that claims Secure Boot and starts what nobody signed',
  advice: 'look at the firmware of the host: is it in setup mode, were its keys changed?',
  needs: 'variables SecureBoot, db and dbx, and the authorities of PCR 7',
  schema: Type.Boolean(),
  default: true,
  check(_on, { facts }) {
    if (facts.secureBoot?.value !== true) return [];
    const setup = facts.setupMode?.value
      ? [{ detail: 'Secure Boot is on and the firmware is in setup mode', pcr: 7, event: facts.setupMode.event }]
      : [];
    return [...setup, ...authorityBreaches(facts)];
  },
});

const imageSecurity = 'd719b2cb-3d3a-4596-a3bc-dad00e67656f';

function authorityBreaches({ authorities, databases, bootApplications }: ProvenFacts): Breach[] {
  const db = databases.db?.value.signatures;
  if (db === undefined)
    return [{ detail: 'db is not proven, so nothing is known of what verified the loader', pcr: 7 }];
  const used = authorities.filter(({ value }) => value.guid === imageSecurity && value.variable === 'db');
  const started = bootApplications.find(({ phase }) => phase === 'loader');
  if (used.length === 0 && started !== undefined)
    return [{ detail: 'nothing says what verified the loader that was started', pcr: 7, event: started.event }];
  const revoked = databases.dbx?.value.signatures ?? [];
  return used.flatMap(({ value, event }) => {
    const isEntry = ({ data }: { data: Uint8Array }) => equalBytes(data, value.data);
    if (!db.some(isEntry)) return [{ detail: 'the loader was verified by an entry that is not in db', pcr: 7, event }];
    return revoked.some(isEntry)
      ? [{ detail: 'the loader was verified by an entry that dbx revokes', pcr: 7, event }]
      : [];
  });
}
