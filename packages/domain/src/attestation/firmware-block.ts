import Type from 'typebox';
import { validator } from '../parse.ts';
import { Problem } from '../problem.ts';
import { type FirmwareRange, isInRange, readFirmware } from './firmware-version.ts';

const closed = { additionalProperties: false } as const;
const Version = Type.String({ maxLength: 32 });

/** Firmware of TPMs that is known to be bad. */
export const FirmwareBlock = Type.Object(
  {
    /** What administrators call it: the CVE, for instance. */
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' }),
    /** As EK certificates have it: letters of the TCG Vendor ID Registry, or `id:` and eight digits. */
    manufacturer: Type.String({ pattern: '^(?:[A-Z0-9]{2,4}|id:[0-9A-F]{8})$' }),
    /** Beginning of the model in the EK certificate; all models of the maker when absent. */
    model: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    versions: Type.Array(Type.Object({ from: Version, below: Version }, closed), { minItems: 1, maxItems: 64 }),
    severity: Type.Union([Type.Literal('fail'), Type.Literal('warn')]),
    /** What is wrong with it, in one sentence. */
    reason: Type.String({ minLength: 1, maxLength: 512 }),
    /** Where its maker says so. */
    advisory: Type.Optional(Type.String({ pattern: '^https://', maxLength: 512 })),
  },
  closed,
);
export type FirmwareBlock = Type.Static<typeof FirmwareBlock>;

/** Nothing is blocked. */
export const noBlocklist: readonly FirmwareBlock[] = [];

const read = validator('firmware block', FirmwareBlock);

/** Reads an entry, ranges and all. @throws {Problem} `input.invalid` naming the field */
export function readFirmwareBlock(value: unknown): FirmwareBlock {
  const block = read(value);
  for (const [i, range] of block.versions.entries()) checkRange(range, `versions.${i}`);
  return block;
}

function checkRange({ from, below }: FirmwareRange, field: string): void {
  if (readFirmware(from, `${field}.from`) >= readFirmware(below, `${field}.below`))
    throw new Problem('input.invalid', `${field}: from ${from} is not before ${below}`);
}

/** The maker and model of a TPM, as far as they are known. */
export interface TpmMaker {
  readonly manufacturer: string | undefined;
  readonly model: string | undefined;
}

/** Whether an entry is about the TPMs of this maker. A model that is not known may be the one that is meant. */
export const concerns = (block: FirmwareBlock, { manufacturer, model }: TpmMaker): boolean =>
  block.manufacturer === manufacturer &&
  (block.model === undefined || model === undefined || plain(model).startsWith(plain(block.model)));

const plain = (model: string): string => model.replaceAll(/[\s_-]/g, '').toUpperCase();

/** The range of an entry that a version is in. */
export const rangeOf = ({ versions }: FirmwareBlock, version: bigint): FirmwareRange | undefined =>
  versions.find((range) => isInRange(version, range));
