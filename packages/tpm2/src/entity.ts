import { fromHex } from '@vouchsafe/bytes/hex';

/** Something in a TPM that a command can name. */
export interface Entity {
  readonly handle: number;
  /** Its Name (Part 1, 16): of objects and NV indices nameAlg and digest, of everything else the handle itself. */
  readonly name: Uint8Array;
}

/** Part 2, 7.4: handles that are always there. */
export const permanentHandles = {
  owner: 0x40000001,
  null: 0x40000007,
  lockout: 0x4000000a,
  endorsement: 0x4000000b,
  platform: 0x4000000c,
} as const;
export type Hierarchy = 'owner' | 'endorsement' | 'platform' | 'null';

/** An entity whose Name is its handle: a permanent one, a PCR or a session. */
export const byHandle = (handle: number): Entity => ({
  handle,
  name: fromHex(handle.toString(16).padStart(8, '0')),
});

/** A hierarchy. */
export const hierarchy = (name: Hierarchy): Entity => byHandle(permanentHandles[name]);

/** A PCR: its handle is its index (Part 2, 7.2). */
export const pcr = (index: number): Entity => byHandle(index);
