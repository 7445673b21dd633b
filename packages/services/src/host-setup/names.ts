/** Users, groups and paths that host preparation is about. */
export const names = {
  /** Runs the TPM emulators of guests; never in the group of the host's TPM. */
  swtpmUser: 'vouchsafe-swtpm',
  /** May use the host's TPM. */
  tpmGroup: 'vouchsafe-tpm',
  /** libvirt runs every executable in this folder beside the administrator's own hook (since 6.5). */
  hook: '/etc/libvirt/hooks/qemu.d/vouchsafe',
  qemuConf: '/etc/libvirt/qemu.conf',
  udevRule: '/etc/udev/rules.d/70-vouchsafe-tpm.rules',
  /** Where libvirt keeps, among others, the master keys and sockets of running guests. */
  stateDirectory: '/var/lib/libvirt/qemu',
  /** Its parent on disk under another name: there the folder is still reachable while memory is mounted over it. */
  stateParent: '/var/lib/libvirt',
  parentOnDisk: '/var/lib/vouchsafe/libvirt',
  onDisk: '/var/lib/vouchsafe/libvirt/qemu',
  units: '/etc/systemd/system',
  libvirtdDropIn: '/etc/systemd/system/libvirtd.service.d/vouchsafe.conf',
  /** Certificate authority of the TPM emulators; their user must own it. */
  localCa: '/var/lib/swtpm-localca',
  /** Below it, one folder a guest, the state of its TPM. */
  tpmStates: '/var/lib/libvirt/swtpm',
  record: '/var/lib/vouchsafe/host-setup.json',
} as const;

/** Children of the state directory that have to outlive a reboot. */
export const persistentChildren = ['nvram', 'save', 'snapshot', 'dump', 'checkpoint', 'ram'] as const;

/**
 * Priority 70 comes after the 60 of tpm2-tss, which gives the devices to the group `tss`, under which distributions run
 * the TPM emulators of guests. tpmrm is the kernel's resource manager, tpm the device itself.
 */
export const udevRule = `# Written by "vouchsafe host setup": who may use the host's TPM speaks for the host.
SUBSYSTEM=="tpmrm", KERNEL=="tpmrm[0-9]*", OWNER="root", GROUP="${names.tpmGroup}", MODE="0660"
SUBSYSTEM=="tpm", KERNEL=="tpm[0-9]*", OWNER="root", GROUP="${names.tpmGroup}", MODE="0660"
`;
