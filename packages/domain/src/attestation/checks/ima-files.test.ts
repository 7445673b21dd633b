import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '@vouchsafe/bytes/hex';
import { digest } from '@vouchsafe/eventlog/algorithms';
import { decodeImaLog } from '@vouchsafe/eventlog/ima/log';
import { replayIma } from '@vouchsafe/eventlog/ima/replay';
import { buildIma, type ImaInput } from '@vouchsafe/eventlog/testing/ima';
import { Appraisal, type AppraisalInput, type Check } from '../appraisal.ts';
import type { BaseImage } from '../base-image.ts';
import { AllowList } from '../ima/allow-list.ts';
import { chooseByFiles } from '../ima/by-files.ts';
import { makeList } from '../ima/ima-list.ts';
import type { ImaProgress } from '../ima/progress.ts';
import { defaultImaSettings, type ImaPolicy, imaPolicyOf } from '../ima-policy.ts';
import type { Finding } from '../verdict.ts';
import { agentMeasured } from './agent-measured.ts';
import { imaBootAggregate } from './ima-boot-aggregate.ts';
import { imaFiles } from './ima-files.ts';
import { imaReplay } from './ima-replay.ts';

const content = (text: string) => digest('sha256', Buffer.from(text));
const boot = new Map(Array.from({ length: 15 }, (_, pcr) => [pcr, new Uint8Array(32).fill(pcr)] as const));
const aggregate = digest('sha256', ...Array.from({ length: 10 }, (_, pcr) => boot.get(pcr)!));

const listOf = (name: string, files: Record<string, string>) =>
  new AllowList(
    makeList(
      { name, source: '', created: '' },
      Object.entries(files).map(([path, text]) => ({ path, digest: hex(content(text)) })),
    ),
  );
const policy = imaPolicyOf(defaultImaSettings, [
  listOf('v1', { '/bin/a': 'a1', '/opt/agent': 'agent' }),
  listOf('v2', { '/bin/a': 'a2', '/opt/agent': 'agent' }),
]);
const imageWith = (change: Partial<BaseImage>): BaseImage =>
  ({ name: 'golden', covers: { userspace: 'ima' }, ...change }) as unknown as BaseImage;
const agent = { path: '/opt/agent', sha256: hex(content('agent')) };
const golden = imageWith({ ima: { lists: ['v1'] }, agent });

const start: ImaInput = { template: 'ima-ng', digest: aggregate, name: 'boot_aggregate' };
const file = (name: string, text: string): ImaInput => ({ template: 'ima-ng', digest: content(text), name });
const honest = [start, file('/opt/agent', 'agent'), file('/bin/a', 'a1')];

interface Round {
  readonly image?: BaseImage;
  readonly ima?: ImaPolicy;
  /** The whole log; of it those from `from` on are sent. */
  readonly log: readonly ImaInput[];
  readonly from?: number;
  readonly progress?: ImaProgress | undefined;
  /** How many entries there were when the TPM quoted. */
  readonly quotedAfter?: number;
}

const allChecks: readonly Check[] = [imaReplay, imaBootAggregate, imaFiles, agentMeasured];

/** One attestation, of which all but IMA is taken for proven. */
function round(
  { image = golden, ima = policy, log, from = 0, progress, quotedAfter = log.length }: Round,
  checks = allChecks,
) {
  const value = replayIma(decodeImaLog(buildIma(log.slice(0, quotedAfter))), 'sha256').get(10) ?? new Uint8Array(32);
  const input = {
    evidence: {
      imaLog: buildIma(log.slice(from)),
      reference: from > 0 ? { eventLog: '', imaEntries: from } : undefined,
    },
    policy: { ima },
    challenge: { bank: 'sha256' },
    imaProgress: progress,
  };
  const appraisal = new Appraisal(input as unknown as AppraisalInput);
  appraisal.prove('pcrs', new Map([...boot, [10, value]]));
  appraisal.prove('replayed', new Map([...boot].filter(([pcr]) => pcr !== 10)));
  appraisal.prove('image', image);
  const findings = checks.flatMap((check) => check.run(appraisal));
  const next = appraisal.has('imaProgress') ? appraisal.get('imaProgress') : undefined;
  return { findings, appraisal, next, failures: failuresOf(findings) };
}

const failuresOf = (findings: readonly Finding[]) =>
  findings.filter(({ severity }) => severity === 'fail').map(({ check }) => check);

/** The attack is refused with these findings; when the check is taken out it is not. */
function refusedBy(check: Check, failures: readonly string[], attack: Round): void {
  assert.deepEqual(round(attack).failures, failures);
  const lax = allChecks.filter((each) => each !== check);
  assert.deepEqual(round(attack, lax).failures, [], `without ${check.id} the attack succeeds`);
}

test('an honest host is trusted, and its progress says what was seen', () => {
  const { failures, next } = round({ log: honest });
  assert.deepEqual(failures, []);
  assert.deepEqual([next?.entries, next?.judged?.listed, next?.judged?.agent], [3, 2, true]);
});

test('a foreign program, and one changed byte in the agent', () => {
  const image = imageWith({ ima: { lists: ['v1'] } });
  refusedBy(imaFiles, ['ima.unknown-file'], { image, log: [...honest, file('/bin/evil', 'evil')] });
  const changed = [start, file('/opt/agent', 'agenT'), file('/bin/a', 'a1')];
  assert.deepEqual(round({ log: changed }).failures, ['ima.changed-file', 'agent.measured']);
});

test('an agent that does not run as the image has it, beside files that are all right', () => {
  refusedBy(agentMeasured, ['agent.measured'], { log: [start, file('/bin/a', 'a1')] });
  const onlyAgent = imageWith({ agent, covers: { userspace: 'none' } as BaseImage['covers'] });
  assert.deepEqual(round({ image: onlyAgent, log: [start, file('/opt/agent', 'other')] }).failures, ['agent.measured']);
  assert.deepEqual(round({ image: onlyAgent, log: [...honest, file('/bin/evil', 'evil')] }).failures, []);
  const verity = imageWith({ agent, covers: { userspace: 'verity' } as BaseImage['covers'] });
  assert.deepEqual(round({ image: verity, log: [start] }).failures, []);
});

test('a log that another boot began', () => {
  const foreign = { ...start, digest: content('other boot') };
  refusedBy(imaBootAggregate, ['ima.boot-aggregate'], {
    log: [foreign, ...honest.slice(1)],
  });
  assert.deepEqual(round({ log: [{ ...start, digest: new Uint8Array(32) }, ...honest.slice(1)] }).failures, [
    'ima.boot-aggregate',
  ]);
  assert.deepEqual(round({ log: honest.slice(1) }).failures, ['ima.boot-aggregate'], 'a log without its beginning');
  const sha1 = round({ log: [{ ...start, digest: digest('sha1', aggregate) }, ...honest.slice(1)] });
  assert.deepEqual(sha1.failures, []);
  assert.match(sha1.findings.find(({ check }) => check === 'ima.boot-aggregate')?.detail ?? '', /sha1 bank/);
});

test('a boot in which IMA measured nothing, with or without a log that was never extended', () => {
  const image = imageWith({ ima: { lists: ['v1'] } });
  refusedBy(imaFiles, ['ima.files'], { image, log: [] });
  refusedBy(imaFiles, ['ima.files'], { image, log: [start, file('/bin/evil', 'evil')], quotedAfter: 0 });
});

test('rounds go on where the last one ended, and remember what was found', () => {
  const first = round({ log: honest });
  const longer = [...honest, file('/bin/a', 'a1')];
  const second = round({ log: longer, from: 3, progress: first.next });
  assert.deepEqual([second.failures, second.next?.entries, second.next?.judged?.listed], [[], 4, 3]);
  const evil = round({ log: [...longer, file('/bin/evil', 'evil')], from: 4, progress: second.next });
  assert.deepEqual(evil.failures, ['ima.unknown-file']);
  const later = round({ log: [...longer, file('/bin/evil', 'evil')], from: 5, progress: evil.next });
  assert.deepEqual(later.failures, ['ima.unknown-file'], 'it does not go away by being old');
});

test('entries are left out, sent again, or said to be known: refused', () => {
  const { next } = round({ log: honest });
  const longer = [...honest, file('/bin/evil', 'evil'), file('/bin/a', 'a1')];
  const quotedOf = (log: readonly ImaInput[]) => ({ log, quotedAfter: log.length });
  const attacks: [string, Round, string][] = [
    ['the evil entry is said to be known', { ...quotedOf(longer), from: 4, progress: next }, 'ima.send-log'],
    ['nothing is known', { ...quotedOf(longer), from: 3 }, 'ima.send-log'],
    ['another number is known', { ...quotedOf(longer), from: 2, progress: next }, 'ima.send-log'],
  ];
  for (const [what, attack, finding] of attacks) assert.ok(round(attack).failures.includes(finding), what);
  const shortened = round({ log: honest, quotedAfter: 2, progress: next });
  assert.deepEqual(shortened.failures.slice(0, 1), ['ima.shrunk'], 'the log of the boot has lost entries');
});

test('entries behind the quote are no failure, and not judged yet', () => {
  const log = [...honest, file('/bin/evil', 'evil')];
  const { failures, next } = round({ log, quotedAfter: 3 });
  assert.deepEqual([failures, next?.entries], [[], 3]);
});

test('other rules than those of the last round: the whole log is wanted', () => {
  const { next } = round({ log: honest });
  const stricter = imaPolicyOf({ ...defaultImaSettings, violations: 'fail' }, policy.lists.values());
  const { failures } = round({ log: honest, from: 3, progress: next, ima: stricter });
  assert.deepEqual(failures, ['ima.send-log', 'agent.measured']);
});

test('an image whose list is not there refuses every host', () => {
  const image = imageWith({ ima: { lists: ['v1', 'gone'] }, agent });
  const { findings } = round({ image, log: honest });
  assert.match(findings.find(({ check }) => check === 'ima.list-missing')?.detail ?? '', /IMA list gone/);
});

test('a log that was not proven is not judged by', () => {
  const { failures } = round({ log: honest, quotedAfter: 3 }, [imaFiles, agentMeasured]);
  assert.deepEqual(failures, ['ima.files', 'agent.measured']);
});

test('of images with one boot and other files the one counts that allows what was measured', () => {
  const [one, two, none] = [
    { image: imageWith({ name: 'one', ima: { lists: ['v1'] } }) },
    { image: imageWith({ name: 'two', ima: { lists: ['v2'] } }) },
    { image: imageWith({ name: 'none', covers: { userspace: 'none' } as BaseImage['covers'] }) },
  ];
  const chosen = (text: string, ...candidates: { image: BaseImage }[]) =>
    chooseByFiles(candidates, round({ log: [start, file('/bin/a', text)] }, [imaReplay]).appraisal)?.image.name;
  assert.equal(chosen('a1', one, two), 'one');
  assert.equal(chosen('a2', one, two), 'two');
  assert.equal(chosen('evil', one, two), 'one', 'the first says what is wrong');
  assert.equal(chosen('a1', none, one), 'one', 'what covers more comes first');
  assert.equal(chosen('evil', none, one), 'none', 'an image that asks for no files asks for none');
});
