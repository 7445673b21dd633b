/** Peculiarities of firmware, boot loaders and kernels that this package knows, each with where it was seen. */
export const quirks = {
  'variable-value-only': {
    text: 'the digest of EV_EFI_VARIABLE_BOOT is that of the value alone: name and GUID are not measured',
    source: 'edk2 MeasureBootVariable; Firmware Profile 1.05, 10.4.1 on EV_EFI_VARIABLE_BOOT; most machines',
  },
  'shim-spare-bytes': {
    text: 'shim measures up to five bytes behind UEFI_VARIABLE_DATA (padding of a C structure) and logs one more',
    source: 'shim before 15.3, tpm_measure_variable',
  },
  'systemd-boot-short-utf16': {
    text: 'EV_IPL of systemd-boot is logged one byte short of the UTF-16 text that was measured',
    source: 'systemd before 251, tpm_log_event',
  },
  'log-fill': {
    text: 'the log area is copied whole: 0x00 or 0xff bytes follow the last event',
    source: 'ACPI CCEL and TPM2 tables, whose log area has a fixed length',
  },
  'no-action-digest': {
    text: 'an event that was not extended has a digest other than zeros',
    source: 'Firmware Profile 1.06, 10.4.5 asks for zeros; nothing depends on it',
  },
  'driver-config-value-only': {
    text: 'the digest of EV_EFI_VARIABLE_DRIVER_CONFIG is that of the value alone: name and GUID are not measured',
    source: 'firmware older than Firmware Profile 1.05, in PCR 1; in PCR 7 no fact is taken from such an event',
  },
  'startup-locality-padded': {
    text: 'zeros follow TCG_EfiStartupLocalityEvent',
    source: 'coreboot, whose event log has entries of one length',
  },
  'userspace-words': {
    text: 'the running system extended words that no firmware log holds: phases of the boot, or os-separator',
    source: 'systemd since 252: systemd-pcrphase.service(8), systemd-pcrosseparator.service',
  },
  'data-mismatch': {
    text: 'the data of an event are not what was measured, and nothing that is known explains it',
    source: 'firmware of some servers; also what a log looks like whose texts were changed',
  },
  'separator-missing': {
    text: 'a PCR of the firmware has no separator',
    source: 'logs that were cut by firmware or loader; Firmware Profile 1.06, 3.3.2.2 asks for one in PCR 0 to 7',
  },
  'separator-repeated': {
    text: 'the firmware extends a further separator into a PCR; only the first one ends its part',
    source: 'workstations whose PCR 0 has two; Firmware Profile 1.06, 3.3.2.2 asks for one',
  },
  'exit-boot-services-missing': {
    text: 'the firmware logs no event for ExitBootServices',
    source: 'machines whose log is taken before it, and firmware older than Firmware Profile 1.0',
  },
  'ima-padded-sha1': {
    text: 'PCR 10 of a bank holds the SHA-1 of IMA entries, filled up with zeros',
    source: 'Linux before 5.8 in every bank; later ones in banks whose hash is not built in (security/integrity/ima)',
  },
} as const satisfies Record<string, { text: string; source: string }>;

/** Name of a known peculiarity. */
export type QuirkName = keyof typeof quirks;
