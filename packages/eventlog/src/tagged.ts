import { type Infer, sized, struct, u32le, untilEnd } from '@vouchsafe/bytes/codec';

const maxData = 2 ** 20;

/** TCG_PCClientTaggedEvent (Firmware Profile, 10.2.10). */
export const TaggedEvent = struct('TCG_PCClientTaggedEvent', {
  taggedEventId: u32le,
  taggedEventData: sized('taggedEventData', u32le, maxData),
});
export type TaggedEvent = Infer<typeof TaggedEvent>;

/** Data of an EV_EVENT_TAG event: one or more tagged events (Windows writes several). */
export const TaggedEvents = untilEnd('EV_EVENT_TAG', TaggedEvent, 65_536);

/** Tags whose meaning is public: the Linux EFI stub (drivers/firmware/efi/libstub/efi-stub-helper.c) and systemd. */
export const knownTags: Readonly<Record<number, { name: string; measured: string }>> = {
  2403017452: { name: 'Linux initrd', measured: 'initial file system of the Linux EFI stub' },
  2403017453: {
    name: 'LOADED_IMAGE::LoadOptions',
    measured: 'load options (command line) of the Linux EFI stub, UTF-16',
  },
  4122761258: { name: 'systemd-boot loader.conf', measured: 'configuration of systemd-boot' },
  1816590161: { name: 'systemd-stub devicetree add-on', measured: 'device tree add-on' },
  1239416335: { name: 'systemd-stub initrd add-on', measured: 'initrd add-on' },
  3670052378: { name: 'systemd-stub microcode add-on', measured: 'microcode add-on' },
};

/** Tags of the Linux EFI stub; the digest beside them is that of the object, which is not in the log. */
export const linuxTags = { initrd: 0x8f3b22ec, loadOptions: 0x8f3b22ed } as const;
