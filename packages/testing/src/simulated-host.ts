import { hex } from '@vouchsafe/bytes/hex';
import { decodeImaLog } from '@vouchsafe/eventlog/ima/log';
import { extendedDigest } from '@vouchsafe/eventlog/ima/replay';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { isExtended } from '@vouchsafe/eventlog/replay';
import { pcrExtend } from '@vouchsafe/tpm2/commands/pcr-extend';
import { pcrRead } from '@vouchsafe/tpm2/commands/pcr-read';
import { startup } from '@vouchsafe/tpm2/commands/startup';
import { Tpm } from '@vouchsafe/tpm2/tpm';
import { SocketTransport } from '@vouchsafe/tpm2/transport/socket';
import { TestingError } from './error.ts';
import type { RecordedBoot } from './measured-boot/recorded-boot.ts';

/**
 * Brings a TPM that was just switched on into the state of a real boot: extends what firmware and kernel extended, in
 * their order, and checks all 24 PCRs of the SHA-256 bank against those of the real machine.
 * @param socket path of the TPM's Unix socket; nobody else may be connected
 * @returns how many times a PCR was extended
 * @throws {TestingError} `bad-recording` naming the PCRs that differ
 */
export async function replayRecordedBoot(boot: RecordedBoot, socket: string): Promise<number> {
  await using tpm = new Tpm(await SocketTransport.open({ path: socket }));
  await startup(tpm);
  const extensions = extensionsOf(boot);
  for (const { pcr, digest } of extensions) await pcrExtend(tpm, pcr, [{ hashAlg: 'sha256', digest }]);
  const values = await pcrRead(tpm, 'sha256', [...boot.pcrs.keys()]);
  const different = [...boot.pcrs].flatMap(([pcr, wanted]) => (hex(values.get(pcr)!) === wanted ? [] : [pcr]));
  if (different.length > 0) {
    throw new TestingError('bad-recording', `${boot.name}: the logs do not give PCR ${different.join(', ')}`);
  }
  return extensions.length;
}

/** What a boot extended into the SHA-256 bank: the firmware's events, then the files that the kernel measured. */
export function extensionsOf(boot: RecordedBoot): { pcr: number; digest: Uint8Array }[] {
  const firmware = decodeLog(boot.eventLog).events.filter(isExtended);
  const files = decodeImaLog(boot.imaLog);
  return [
    ...firmware.map(({ pcr, digests, index }) => ({ pcr, digest: digests.sha256 ?? noDigest(boot, index) })),
    ...files.map((entry) => ({ pcr: entry.pcr, digest: extendedDigest(entry, 'sha256') })),
  ];
}

function noDigest(boot: RecordedBoot, index: number): never {
  throw new TestingError('bad-recording', `${boot.name}: event ${index} has no SHA-256 digest`);
}
