/**
 * What the digest of an event is taken over, as the profile says:
 * `data`: the event's data; `object`: something that the data only describes; `either`: it depends on who measured.
 */
export type DigestOf = 'data' | 'object' | 'either';

interface EventTypeFacts {
  readonly value: number;
  readonly digestOf: DigestOf;
}

/**
 * Event types of the TCG PC Client Platform Firmware Profile 1.06, section 10.4.1 (table of events), by their names.
 * The type of an event is not measured: it is a label that the log's keeper may change.
 */
export const eventTypes = {
  EV_PREBOOT_CERT: { value: 0x00000000, digestOf: 'either' },
  EV_POST_CODE: { value: 0x00000001, digestOf: 'either' },
  EV_UNUSED: { value: 0x00000002, digestOf: 'either' },
  EV_NO_ACTION: { value: 0x00000003, digestOf: 'either' },
  EV_SEPARATOR: { value: 0x00000004, digestOf: 'data' },
  EV_ACTION: { value: 0x00000005, digestOf: 'data' },
  EV_EVENT_TAG: { value: 0x00000006, digestOf: 'either' },
  EV_S_CRTM_CONTENTS: { value: 0x00000007, digestOf: 'either' },
  EV_S_CRTM_VERSION: { value: 0x00000008, digestOf: 'data' },
  EV_CPU_MICROCODE: { value: 0x00000009, digestOf: 'either' },
  EV_PLATFORM_CONFIG_FLAGS: { value: 0x0000000a, digestOf: 'either' },
  EV_TABLE_OF_DEVICES: { value: 0x0000000b, digestOf: 'either' },
  EV_COMPACT_HASH: { value: 0x0000000c, digestOf: 'either' },
  EV_IPL: { value: 0x0000000d, digestOf: 'either' },
  EV_IPL_PARTITION_DATA: { value: 0x0000000e, digestOf: 'either' },
  EV_NONHOST_CODE: { value: 0x0000000f, digestOf: 'object' },
  EV_NONHOST_CONFIG: { value: 0x00000010, digestOf: 'either' },
  EV_NONHOST_INFO: { value: 0x00000011, digestOf: 'either' },
  EV_OMIT_BOOT_DEVICE_EVENTS: { value: 0x00000012, digestOf: 'data' },
  EV_POST_CODE2: { value: 0x00000013, digestOf: 'object' },
  EV_EFI_VARIABLE_DRIVER_CONFIG: { value: 0x80000001, digestOf: 'data' },
  EV_EFI_VARIABLE_BOOT: { value: 0x80000002, digestOf: 'data' },
  EV_EFI_BOOT_SERVICES_APPLICATION: { value: 0x80000003, digestOf: 'object' },
  EV_EFI_BOOT_SERVICES_DRIVER: { value: 0x80000004, digestOf: 'object' },
  EV_EFI_RUNTIME_SERVICES_DRIVER: { value: 0x80000005, digestOf: 'object' },
  EV_EFI_GPT_EVENT: { value: 0x80000006, digestOf: 'data' },
  EV_EFI_ACTION: { value: 0x80000007, digestOf: 'data' },
  EV_EFI_PLATFORM_FIRMWARE_BLOB: { value: 0x80000008, digestOf: 'object' },
  EV_EFI_HANDOFF_TABLES: { value: 0x80000009, digestOf: 'object' },
  EV_EFI_PLATFORM_FIRMWARE_BLOB2: { value: 0x8000000a, digestOf: 'object' },
  EV_EFI_HANDOFF_TABLES2: { value: 0x8000000b, digestOf: 'object' },
  EV_EFI_VARIABLE_BOOT2: { value: 0x8000000c, digestOf: 'data' },
  EV_EFI_GPT_EVENT2: { value: 0x8000000d, digestOf: 'data' },
  EV_EFI_HCRTM_EVENT: { value: 0x80000010, digestOf: 'either' },
  EV_EFI_VARIABLE_AUTHORITY: { value: 0x800000e0, digestOf: 'data' },
  EV_EFI_SPDM_FIRMWARE_BLOB: { value: 0x800000e1, digestOf: 'either' },
  EV_EFI_SPDM_FIRMWARE_CONFIG: { value: 0x800000e2, digestOf: 'either' },
  EV_EFI_SPDM_DEVICE_POLICY: { value: 0x800000e3, digestOf: 'data' },
  EV_EFI_SPDM_DEVICE_AUTHORITY: { value: 0x800000e4, digestOf: 'data' },
} as const satisfies Record<string, EventTypeFacts>;

/** Name of an event type of the profile. */
export type EventTypeName = keyof typeof eventTypes;

const byValue = new Map<number, EventTypeName>(
  Object.entries(eventTypes).map(([name, facts]) => [facts.value, name as EventTypeName]),
);

/** The profile's name of a type, or `0x` and eight digits for a type that it does not define. */
export const eventTypeName = (type: number): string => byValue.get(type) ?? `0x${type.toString(16).padStart(8, '0')}`;

/** What the digest of an event of this type is taken over; `either` for types outside the profile. */
export function digestOf(type: number): DigestOf {
  const name = byValue.get(type);
  return name === undefined ? 'either' : eventTypes[name].digestOf;
}
