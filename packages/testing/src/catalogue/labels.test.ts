import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '@vouchsafe/bytes/hex';
import type { LogEvent } from '@vouchsafe/eventlog/event';
import { eventTypes } from '@vouchsafe/eventlog/event-types';
import { textPcrs } from '@vouchsafe/eventlog/facts/loader';
import { decodeLog, type EventLog } from '@vouchsafe/eventlog/log';
import { provenFacts } from '@vouchsafe/eventlog/proven';
import { boot } from '@vouchsafe/eventlog/testing/boot';
import { buildLog } from '@vouchsafe/eventlog/testing/build';
import { loadBoot, recordedBoots } from '../measured-boot/recorded-boot.ts';

/** What a log proves: statements that are true or not, and lists of which a rule asks that all of them are known. */
interface Facts {
  readonly statements: ReadonlySet<string>;
  readonly lists: ReadonlySet<string>;
  /** Measurements among the loader's texts of which only the digest is known. */
  readonly unexplained: number;
  /** Whether the log itself tells that it is not to be believed. */
  readonly doubted: boolean;
}

function factsOf(log: EventLog): Facts {
  const facts = provenFacts(log, 'sha256');
  const { secureBoot, setupMode, auditMode, deployedMode } = facts;
  const flags = Object.entries({ secureBoot, setupMode, auditMode, deployedMode });
  const texts = facts.loaderTexts.map(({ value }) => `text ${value.text}`);
  return {
    statements: new Set([
      ...flags.flatMap(([name, flag]) => (flag === undefined ? [] : [`${name} ${JSON.stringify(flag.value)}`])),
      ...Object.entries(facts.databases).map(([name, database]) => `${name} ${hex(database.value.digest)}`),
      // Nothing is concluded from PCR 1, where a boot order of two entries looks like a separator.
      ...[...facts.separators].flatMap(([pcr, { value }]) => (pcr === 1 ? [] : [`separator ${pcr} ${value}`])),
      ...(facts.exitBootServices?.value === 'succeeded' ? ['boot services were exited'] : []),
      ...facts.ukiSections.map(({ value }) => `section ${value.name} ${hex(value.digest)}`),
      ...texts,
    ]),
    lists: new Set([
      ...facts.authorities.map(({ value }) => `authority ${value.variable} ${value.guid}`),
      ...facts.bootApplications.map(({ value }) => `application ${hex(value.digest)}`),
      ...texts,
    ]),
    unexplained: facts.objects.filter(({ pcr }) => textPcrs.includes(pcr)).length,
    doubted: facts.findings.some(({ code }) => doubts.some((each) => code.startsWith(each))),
  };
}

/** Findings that a verdict holds against the host. */
const doubts = ['data.mismatch', 'secureBoot.', 'separator.missing', 'section.order'];

/** What a changed log makes out of nothing, and what it hides without a word. */
function lies(log: EventLog, index: number, change: Partial<LogEvent>, honest: Facts): string[] {
  const events = log.events.map((event) => (event.index === index ? { ...event, ...change } : event));
  const told = factsOf({ ...log, events });
  const invented = [...told.statements].filter((each) => !honest.statements.has(each));
  const hidden =
    told.doubted || told.unexplained > honest.unexplained
      ? []
      : [...honest.lists].filter((each) => !told.lists.has(each));
  return [...invented.map((each) => `invented: ${each}`), ...hidden.map((each) => `hidden: ${each}`)];
}

const labels = Object.entries(eventTypes).filter(([name]) => name !== 'EV_NO_ACTION');

/** The contents of `log`'s events, which are put under the digests of others. */
const contents = (log: EventLog): Uint8Array[] => log.events.slice(0, 40).map(({ data }) => data);

for (const name of ['made boot', ...recordedBoots]) {
  const read = async () => decodeLog(name === 'made boot' ? buildLog(boot) : (await loadBoot(name)).eventLog);

  test(`${name}: no label of an event, whatever it says, makes a fact or hides one`, async () => {
    const log = await read();
    const honest = factsOf(log);
    for (const { index } of log.events.slice(1))
      for (const [typeName, { value: type }] of labels)
        assert.deepEqual(lies(log, index, { type, typeName }, honest), [], `event ${index} as ${typeName}`);
  });

  test(`${name}: no data of an event, whatever they say, make a fact or hide one`, async () => {
    const log = await read();
    const honest = factsOf(log);
    for (const { index, data } of log.events.slice(1)) {
      const flips = [0, 1, data.length >> 1, data.length - 1].filter((at) => at >= 0 && at < data.length);
      for (const at of flips)
        assert.deepEqual(
          lies(log, index, { data: data.with(at, (data[at] ?? 0) ^ 0x20) }, honest),
          [],
          `event ${index}, byte ${at}`,
        );
      for (const other of contents(log))
        assert.deepEqual(lies(log, index, { data: other }, honest), [], `event ${index}`);
    }
  });
}
