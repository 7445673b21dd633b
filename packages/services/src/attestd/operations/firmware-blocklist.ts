import { FirmwareBlock, readFirmwareBlock } from '@vouchsafe/domain/attestation/firmware-block';
import { knownFirmware } from '@vouchsafe/domain/attestation/known-firmware';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import type { RegistryContext } from './context.ts';

const Import = Type.Object(
  {
    /** Entries of a file; those that this version of the program knows when absent. */
    entries: Type.Optional(Type.Array(Type.Unknown(), { minItems: 1, maxItems: 1000 })),
  },
  { additionalProperties: false },
);

/** Firmware of TPMs that is refused or told. */
export const firmwareBlocklist = ({ configuration, ...context }: RegistryContext): Operation[] => [
  query(
    {
      name: 'attestation.tpm2.firmware-blocklist.list',
      method: 'GET',
      path: '/attestation/tpm2/firmware-blocklist',
      grant: 'READ_ONLY',
      summary: 'List the firmware of TPMs that is refused or told',
    },
    () => configuration.blocklist.entries(),
  ),
  operation(
    {
      name: 'attestation.tpm2.firmware-blocklist.create',
      method: 'POST',
      path: '/attestation/tpm2/firmware-blocklist',
      grant: 'SECURITY_MGMT',
      summary: 'Refuse or tell a firmware of TPMs',
      body: FirmwareBlock,
    },
    (body) => {
      const block = readFirmwareBlock(body);
      const { name, severity } = block;
      recorded(context, changed('config.change', 'firmware', name, { severity }), () =>
        configuration.blocklist.put(block),
      );
      return block;
    },
  ),
  operation(
    {
      name: 'attestation.tpm2.firmware-blocklist.import',
      method: 'POST',
      path: '/attestation/tpm2/firmware-blocklist/import',
      grant: 'SECURITY_MGMT',
      summary: 'Take in a list of firmware, or the one that comes with the program',
      body: Import,
      bodyLimit: 4 * 1024 * 1024,
    },
    ({ entries }) => {
      const blocks = entries?.map(readFirmwareBlock) ?? [...knownFirmware];
      const names = blocks.map(({ name }) => name);
      recorded(context, changed('config.change', 'firmware', 'import', { names }), () =>
        configuration.blocklist.put(...blocks),
      );
      return blocks;
    },
  ),
  query(
    {
      name: 'attestation.tpm2.firmware-blocklist.delete',
      method: 'DELETE',
      path: '/attestation/tpm2/firmware-blocklist/:name',
      grant: 'SECURITY_MGMT',
      summary: 'Take an entry off the firmware blocklist',
    },
    ({ params: { name = '' } }) => {
      const entry = changed('config.change', 'firmware', name, { deleted: true });
      recorded(context, entry, () => configuration.blocklist.delete(name));
    },
  ),
];
