import { concat, hex } from '@vouchsafe/bytes/hex';
import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import { captureImage } from '@vouchsafe/domain/attestation/capture';
import { quotedPcrs } from '@vouchsafe/domain/attestation/policy';
import { digest } from '@vouchsafe/eventlog/algorithms';
import { decodeImaLog } from '@vouchsafe/eventlog/ima/log';
import { replayIma } from '@vouchsafe/eventlog/ima/replay';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { initialValue, replay } from '@vouchsafe/eventlog/replay';
import { boot } from '@vouchsafe/eventlog/testing/boot';
import { buildLog, type EventInput } from '@vouchsafe/eventlog/testing/build';
import { buildIma, type ImaInput } from '@vouchsafe/eventlog/testing/ima';
import { encodeVariable } from '@vouchsafe/eventlog/uefi/variable';

const global = '8be4df61-93ca-11d2-aa0d-00e098032b8c';
/** Events of a server with a few option ROMs, and files that it measured until it attested first. */
export const fleetEvents = 111;
export const fleetFiles = 256;

/** What one host of the fleet measured: it differs from all others, as real hosts differ in their boot order. */
export interface FleetBoot {
  readonly eventLog: Uint8Array;
  readonly imaLog: Uint8Array | undefined;
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
}

/** The boot of host number `n`; PCR 1 and, with it, the first entry of its IMA log are its own. */
export function fleetBoot(n: number, files = 0): FleetBoot {
  const order = new Uint8Array(4);
  new DataView(order.buffer).setUint32(0, n, true);
  const own = digest('sha256', order);
  const eventLog = model.eventLog.slice();
  eventLog.set(own, model.digestAt);
  eventLog.set(order, model.orderAt);
  const pcrs = new Map(model.pcrs).set(1, pcrOneWith(own));
  if (files === 0) return { eventLog, imaLog: undefined, pcrs };
  const imaLog = imaOf(pcrs, files);
  const last = replayIma(decodeImaLog(imaLog), 'sha256').get(10) ?? new Uint8Array(32);
  return { eventLog, imaLog, pcrs: pcrs.set(10, last) };
}

/** A boot of which hosts differ in one event only, so that ten thousand are made quickly. */
const model = (() => {
  const placeholder = Uint8Array.of(0xde, 0xad, 0xbe, 0xef);
  const events = boot.map((event) =>
    event.type === 'EV_EFI_VARIABLE_BOOT'
      ? { ...event, data: encodeVariable(global, 'BootOrder', placeholder), measured: placeholder }
      : event,
  );
  const filler = Array.from(
    { length: fleetEvents - boot.length - 1 },
    (_, i): EventInput => ({
      pcr: 8,
      type: 'EV_IPL',
      data: `grub_cmd: command number ${i} of the configuration\0`,
      measured: `command number ${i} of the configuration`,
    }),
  );
  const eventLog = buildLog([...events, ...filler], ['sha256']);
  const log = decodeLog(eventLog);
  const replayed = replay(log, 'sha256');
  return {
    eventLog,
    digestAt: Buffer.from(eventLog).indexOf(digest('sha256', placeholder)),
    orderAt: Buffer.from(eventLog).indexOf(placeholder),
    own: hex(digest('sha256', placeholder)),
    ofPcrOne: log.events.filter(({ pcr }) => pcr === 1).map(({ digests }) => digests.sha256!),
    pcrs: new Map<number, Uint8Array>(quotedPcrs.map((pcr) => [pcr, replayed.get(pcr) ?? initialValue('sha256', pcr)])),
  };
})();

const pcrOneWith = (own: Uint8Array): Uint8Array =>
  model.ofPcrOne.reduce<Uint8Array>(
    (value, each) => digest('sha256', value, hex(each) === model.own ? own : each),
    new Uint8Array(32),
  );

function imaOf(pcrs: ReadonlyMap<number, Uint8Array>, files: number): Uint8Array {
  const aggregate = digest('sha256', ...Array.from({ length: 10 }, (_, pcr) => pcrs.get(pcr)!));
  return concat(buildIma([{ template: 'ima-ng', digest: aggregate, name: 'boot_aggregate' }]), laterFiles(files));
}

const madeFiles = new Map<number, Uint8Array>();
function laterFiles(files: number): Uint8Array {
  const made = madeFiles.get(files) ?? buildIma(Array.from({ length: files - 1 }, (_, i) => file(i)));
  madeFiles.set(files, made);
  return made;
}

const file = (i: number): ImaInput => ({
  template: 'ima-ng',
  digest: digest('sha256', Buffer.from(`file ${i}`)),
  name: `/usr/lib/x86_64-linux-gnu/lib${i}.so.6`,
});

/** The base image of the fleet, captured on host 0. */
export function fleetImage(): BaseImage {
  const { eventLog, pcrs } = fleetBoot(0);
  return captureImage({ name: 'fleet', version: '1', eventLog, pcrs, now: new Date('2026-06-01T00:00:00Z') });
}
