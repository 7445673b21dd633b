import { sized, struct, u16 } from '@vouchsafe/bytes/codec';
import { equalBytes } from '@vouchsafe/bytes/equal';
import { command } from '../command.ts';
import { byHandle, type Entity } from '../entity.ts';
import { TpmError } from '../error.ts';
import { nameOf } from '../name.ts';
import { Tpm2bName } from '../public.ts';
import type { Tpm } from '../tpm.ts';

/** Part 2, 12.2.5 TPM2B_PUBLIC; its contents stay bytes, for the Name is a hash of them. */
export const Tpm2bPublic = sized('TPM2B_PUBLIC', u16, 1024);

/** Part 3, 12.4 TPM2_ReadPublic */
export const ReadPublic = command({
  name: 'TPM2_ReadPublic',
  code: 0x173,
  handles: ['objectHandle'],
  parameters: struct('TPM2_ReadPublic', {}),
  results: struct('TPM2_ReadPublic', { outPublic: Tpm2bPublic, name: Tpm2bName, qualifiedName: Tpm2bName }),
});

/** A key or data object in the TPM. */
export interface TpmObject extends Entity {
  /** Bytes of the bare TPMT_PUBLIC. */
  readonly publicArea: Uint8Array;
}

/** The public area of the object behind a handle. @throws {TpmError} `answer` when its Name is not that of the area */
export async function readPublic(tpm: Tpm, handle: number): Promise<TpmObject & { qualifiedName: Uint8Array }> {
  const { results } = await tpm.run(ReadPublic, {}, [byHandle(handle)]);
  const { outPublic: publicArea, name, qualifiedName } = results;
  checkName(publicArea, name);
  return { handle, publicArea, name, qualifiedName };
}

/** @throws {TpmError} `answer` when the TPM names an object otherwise than its public area does */
export function checkName(publicArea: Uint8Array, name: Uint8Array): void {
  if (!equalBytes(nameOf(publicArea), name))
    throw new TpmError('answer', 'the Name that the TPM gave is not the Name of the public area');
}
