import { DecodeError } from '@vouchsafe/bytes/reader';
import { defaultImaLimits } from './log.ts';
import { originalTemplate } from './template.ts';

const [digestSize, maxTemplateName] = [20, 255];

/**
 * What follows on the first `entries` entries of `binary_runtime_measurements`: only lengths are read. Whoever has sent
 * the beginning of a log sends this.
 * @returns undefined when the log has fewer entries
 * @throws {DecodeError} when a length leads out of the log
 */
export function imaTail(log: Uint8Array, entries: number): Uint8Array | undefined {
  const view = new DataView(log.buffer, log.byteOffset, log.byteLength);
  let at = 0;
  for (let index = 0; index < entries; index++) {
    if (at === log.length) return undefined;
    at = endOf(view, at, index);
  }
  return log.subarray(at);
}

/** The end of one entry: PCR, digest of the template, its name, its data (Linux, ima_fs.c, ima_measurements_show). */
function endOf(view: DataView, start: number, index: number): number {
  const name = start + 4 + digestSize;
  const nameEnd = behind(view, name, maxTemplateName, `ima[${index}].name`);
  const template = Buffer.from(view.buffer, view.byteOffset + name + 4, nameEnd - name - 4).toString('latin1');
  const data = `ima[${index}].template_data`;
  // The original template has a digest of fixed size, and only its name behind a length.
  const sized = template === originalTemplate ? nameEnd + digestSize : nameEnd;
  return behind(view, sized, defaultImaLimits.entryBytes, data);
}

/** The end of what stands behind its length at `at`. */
function behind(view: DataView, at: number, limit: number, field: string): number {
  if (at + 4 > view.byteLength) throw new DecodeError(field, at, 'the log ends before its length');
  const length = view.getUint32(at, true);
  const end = at + 4 + length;
  if (length > limit || end > view.byteLength)
    throw new DecodeError(field, at, `length ${length} leads out of the log`);
  return end;
}
