/** Every action that parts write to their audit file, with one sentence for people. */
export const auditEvents = {
  'part.start': 'a part started',
  'part.stop': 'a part stopped',
  'config.change': 'the configuration of a part was changed',
  'group.create': 'a group CA was made; its first member is trusted on first use',
  'group.certify': 'the group CA certified a key of a part',
  'host.pending': 'a genuine but unknown TPM asked to be attested; it waits for approval',
  'host.approve': 'an endorsement key was approved',
  'host.revoke': 'an endorsement key was revoked',
  'host.attest': 'a host was attested',
  'host.refuse': 'a host was refused attestation',
  'image.import': 'a base image was imported',
  'image.activate': 'a base image was activated',
  'image.retire': 'a base image was retired',
  'image.delete': 'a base image was deleted',
  'key.generate': 'a key encryption key was made and released',
  'key.release': 'a key encryption key was released',
  'key.rewrap': 'a key encryption key was wrapped anew',
  'key.refuse': 'a key encryption key was refused',
  'provider.check': 'a key was asked of a provider to see whether it can be had, and discarded',
  'vm.keys-loaded': 'the keys of a VM were given to libvirt for its start',
  'vm.keys-dropped': 'the keys of a VM were taken back from libvirt',
  'vm.refuse': 'the start of a VM was refused',
  'vm.encrypt': 'a disk of a VM was encrypted',
  'vm.seal': 'a change of a VM was accepted into its key safe',
} as const satisfies Record<string, string>;

export type AuditAction = keyof typeof auditEvents;
