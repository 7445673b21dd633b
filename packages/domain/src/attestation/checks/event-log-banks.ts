import { hex } from '@vouchsafe/bytes/hex';
import { initialValue, replay, startupLocality } from '@vouchsafe/eventlog/replay';
import type { Appraisal, Check } from '../appraisal.ts';
import { type OtherBank, otherBanks } from '../messages.ts';
import { firmwarePcrs } from '../policy.ts';
import { type Finding, fail, info } from '../verdict.ts';

const id = 'eventlog.banks';
type Values = ReadonlyMap<number, Uint8Array>;

/**
 * Stops a bank that the firmware left empty and the operating system filled with a golden log: the firmware extends all
 * active banks, so the others tell what was started. Which banks are active is the host's word; that the log covers one
 * that is not quoted is noted, and refused where the settings say so.
 */
export const eventLogBanks: Check = {
  id,
  run(appraisal) {
    const { banks = [] } = appraisal.input.challenge;
    const expected = appraisal.has('held') ? heldValues(appraisal, banks) : replayedValues(appraisal, banks);
    const values = appraisal.get('banks');
    const compared = [...expected].flatMap(([bank, replayed]) => differences(bank, replayed, values.get(bank)));
    appraisal.prove('bankValues', expected);
    return [...compared, ...untold(appraisal, banks, [...expected.keys()])];
  },
};

/** Where the log leads, for each of the banks that it has. @throws {EventLogError} */
function replayedValues(appraisal: Appraisal, banks: readonly OtherBank[]): Map<OtherBank, Values> {
  const log = appraisal.get('log');
  const locality = startupLocality(log);
  const values = new Map<OtherBank, Values>();
  for (const bank of banks) {
    if (!log.banks.includes(bank)) continue;
    const replayed = replay(log, bank);
    values.set(bank, new Map(firmwarePcrs.map((pcr) => [pcr, replayed.get(pcr) ?? initialValue(bank, pcr, locality)])));
  }
  return values;
}

function heldValues(appraisal: Appraisal, banks: readonly OtherBank[]): Map<OtherBank, Values> {
  const held = appraisal.get('held');
  return new Map(
    banks.flatMap((bank) => (held.values(bank) === undefined ? [] : [[bank, held.values(bank)!] as const])),
  );
}

function differences(bank: OtherBank, replayed: Values, quoted: Values | undefined): Finding[] {
  const differing = firmwarePcrs.filter((pcr) => hex(replayed.get(pcr)!) !== hex(quoted?.get(pcr) ?? new Uint8Array()));
  if (differing.length === 0) return [];
  const empty = firmwarePcrs.every((pcr) =>
    (quoted?.get(pcr) ?? []).every((byte, i, all) => byte === 0 || (pcr === 0 && i === all.length - 1)),
  );
  if (empty)
    return [fail('bank.empty', `nothing was measured into the ${bank} bank, and the event log has digests for it`)];
  return differing.map((pcr) =>
    fail('bank.disagrees', `PCR ${pcr} of the ${bank} bank is not what the event log gives`, { pcr }),
  );
}

/** Banks that only the TPM has, or only the log. */
function untold(appraisal: Appraisal, quoted: readonly OtherBank[], covered: readonly OtherBank[]): Finding[] {
  const tell = appraisal.input.policy.settings.require_every_bank ? fail : info;
  const logged = appraisal.has('held') ? appraisal.get('held').banks : otherBanksIn(appraisal);
  const unlogged = quoted.filter((bank) => !covered.includes(bank));
  const unquoted = logged.filter((bank) => !quoted.includes(bank));
  return [
    ...unlogged.map((bank) =>
      tell('bank.unlogged', `the TPM has a ${bank} bank, and the event log has no digests for it`),
    ),
    ...unquoted.map((bank) =>
      tell('bank.unquoted', `the event log has digests for the ${bank} bank, which the host did not offer to quote`),
    ),
  ];
}

/** Banks of the log beside SHA-256. */
export const otherBanksIn = (appraisal: Appraisal): OtherBank[] =>
  (Object.keys(otherBanks) as OtherBank[]).filter((bank) => appraisal.get('log').banks.includes(bank));
