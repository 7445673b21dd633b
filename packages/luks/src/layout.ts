/** LUKS On-Disk Format Specification 1.2.3, figure 1: the constants of LUKS1. */
export const sectorSize = 512;
export const keySlots = 8;
export const stripes = 4000;
export const saltSize = 32;
export const digestSize = 20;
export const phdrSize = 592;

/** Size of the AES-256-XTS volume key: two AES-256 keys. */
export const volumeKeySize = 64;

/** Where QEMU puts key material and data, in sectors (`crypto/block-luks.c`); cryptsetup accepts it. */
export const firstSlotSector = 8;
export const slotSectors = 504;
export const payloadSector = firstSlotSector + keySlots * slotSectors;

/** Bytes of the header with all key material: what stands before the first encrypted sector. */
export const headerSize = payloadSector * sectorSize;

/** Sectors that hold the split key of one slot. */
export const materialSectors = (volumeKeySize * stripes) / sectorSize;
