import { decodeLog } from '@vouchsafe/eventlog/log';
import { provenFacts } from '@vouchsafe/eventlog/proven';
import { initialValue, replay } from '@vouchsafe/eventlog/replay';
import { boot, bootWith } from '@vouchsafe/eventlog/testing/boot';
import { buildLog, type EventInput } from '@vouchsafe/eventlog/testing/build';
import { Appraisal, type AppraisalInput } from '../attestation/appraisal.ts';
import type { BaseImage } from '../attestation/base-image.ts';
import { defaultBootRules } from '../attestation/boot-rules.ts';
import { captureImage } from '../attestation/capture.ts';
import { imageMatch } from '../attestation/checks/image-match.ts';
import { noCompositions } from '../attestation/composition.ts';
import { defaultMinimums } from '../attestation/minimums.ts';
import { type AttestationPolicy, quotedPcrs } from '../attestation/policy.ts';
import type { Finding } from '../attestation/verdict.ts';

/** A boot that a test made: its log and the values that a TPM would have. */
export interface MadeBoot {
  readonly eventLog: Uint8Array;
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
}

export function bootOf(events: readonly EventInput[] = boot): MadeBoot {
  const eventLog = buildLog(events, ['sha256']);
  const replayed = replay(decodeLog(eventLog), 'sha256');
  return { eventLog, pcrs: new Map(quotedPcrs.map((pcr) => [pcr, replayed.get(pcr) ?? initialValue('sha256', pcr)])) };
}

/** A boot with other firmware, another kernel, or both. */
export const variant = ({ firmware = '1.0', kernel = 'vmlinuz' }: { firmware?: string; kernel?: string }): MadeBoot =>
  bootOf(
    bootWith((event) => {
      if (event.pcr === 0 && event.type === 'EV_S_CRTM_VERSION') return { ...event, data: firmware };
      if (event.pcr === 4 && event.measured === 'kernel image') return { ...event, measured: `image of ${kernel}` };
      if (event.pcr === 11 && event.measured === 'vmlinuz') return { ...event, measured: kernel };
      return event;
    }),
  );

/** When tests with made boots take place, in seconds since 1970. */
export const testTime = 1_800_000_000;

export const imageOf = (name: string, { eventLog, pcrs }: MadeBoot = bootOf()): BaseImage =>
  captureImage({ name, version: '1', eventLog, pcrs, now: new Date(testTime * 1000) });

/** What a check of base images says to a boot; all before it is taken for proven. */
export function matched(
  policy: Partial<AttestationPolicy>,
  { eventLog, pcrs }: MadeBoot,
  checks = [imageMatch],
  now = testTime,
): { appraisal: Appraisal; findings: Finding[]; trusted: boolean } {
  const input = {
    policy: { images: [], compositions: noCompositions, minimums: defaultMinimums, rules: defaultBootRules, ...policy },
    challenge: { bank: 'sha256' },
    now,
  };
  const appraisal = new Appraisal(input as unknown as AppraisalInput);
  appraisal.prove('pcrs', pcrs);
  appraisal.prove('log', decodeLog(eventLog));
  appraisal.prove('facts', provenFacts(appraisal.get('log'), 'sha256'));
  const findings = checks.flatMap((check) => check.run(appraisal));
  const trusted = appraisal.has('image') && findings.every(({ severity }) => severity !== 'fail');
  return { appraisal, findings, trusted };
}
