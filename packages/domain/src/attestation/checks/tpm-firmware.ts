import { hex } from '@vouchsafe/bytes/hex';
import { nameOf } from '@vouchsafe/tpm2/name';
import type { Appraisal, Check } from '../appraisal.ts';
import { countersArePlain } from '../boot-record.ts';
import { concerns, type FirmwareBlock, noBlocklist, rangeOf, type TpmMaker } from '../firmware-block.ts';
import { firmwareText, firmwareWords } from '../firmware-version.ts';
import { type Finding, fail, info, warn } from '../verdict.ts';

const id = 'tpm.firmware';

/**
 * Stops TPMs whose firmware has a known fault, and tells when the firmware is another than at the last attestation. It
 * looks at every quote, so a new entry counts from the next one on.
 */
export const tpmFirmware: Check = {
  id,
  run: (appraisal) => [...changed(appraisal), ...blocked(appraisal)],
};

function blocked(appraisal: Appraisal): Finding[] {
  const { blocklist = noBlocklist } = appraisal.input.policy;
  if (blocklist.length === 0) return [];
  const maker = makerOf(appraisal);
  if (maker.manufacturer === undefined)
    return [info(id, 'the maker of this TPM is not known, so its firmware is not compared with the blocklist')];
  const relevant = blocklist.filter((block) => concerns(block, maker));
  if (relevant.length === 0) return [];
  // TPM 2.0 Part 1, 36.7: other keys have the version behind an offset of their own.
  if (!isPlain(appraisal)) return [hidden(relevant, maker)];
  const { firmwareVersion } = appraisal.get('attest');
  return relevant.flatMap((block) => hit(block, maker, firmwareVersion));
}

/** From the certificate where there is one; a certificate that is left away does not hide what was proven before. */
function makerOf(appraisal: Appraisal): TpmMaker {
  const { manufacturer, model } = appraisal.input.host ?? {};
  return appraisal.has('certificate') ? appraisal.get('certificate') : { manufacturer, model };
}

function hit(block: FirmwareBlock, maker: TpmMaker, version: bigint): Finding[] {
  const { name, severity, reason, advisory } = block;
  const range = rangeOf(block, version);
  if (range === undefined) return [];
  const tpm = [maker.manufacturer, maker.model].filter((each) => each !== undefined).join(' ');
  const source = advisory === undefined ? '' : `: ${advisory}`;
  const told = severity === 'fail' ? fail : warn;
  const detail = `firmware ${firmwareWords(version)} of this TPM (${tpm}) is on the blocklist as ${name}: ${reason}`;
  return [told(id, detail, { advice: `update the firmware of the TPM to ${range.below} or later${source}` })];
}

/** Default deny: a host must not choose an attestation key that hides what would refuse it. */
function hidden(relevant: readonly FirmwareBlock[], { manufacturer }: TpmMaker): Finding {
  const told = relevant.some(({ severity }) => severity === 'fail') ? fail : warn;
  return told(
    id,
    `the attestation key hides the firmware version, and the blocklist has entries for ${manufacturer}: ${relevant.map(({ name }) => name).join(', ')}`,
    { advice: 'let the agent make its attestation key in the endorsement hierarchy, as it does by itself' },
  );
}

/** Comparable are quotes of one key, whose offset is always the same, and those of keys that show the version. */
function changed(appraisal: Appraisal): Finding[] {
  const { lastBoot: last, challenge } = appraisal.input;
  const { firmwareVersion } = appraisal.get('attest');
  const comparable = last?.ak === hex(nameOf(challenge.ak)) || (last?.plain && isPlain(appraisal));
  if (last?.firmware === undefined || !comparable) return [];
  if (last.firmware === firmwareText(firmwareVersion)) return [];
  const before = firmwareWords(BigInt(`0x${last.firmware}`));
  return [
    warn(
      'tpm.firmware-changed',
      `the firmware of the TPM is ${firmwareWords(firmwareVersion)}, it was ${before} before`,
    ),
  ];
}

const isPlain = (appraisal: Appraisal): boolean =>
  countersArePlain(appraisal.input.challenge.ak, appraisal.get('attest'));
