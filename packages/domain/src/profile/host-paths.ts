/**
 * Paths that belong to the host's installed software: written by its package manager only, covered by the host's own
 * measurement. libvirt fills them in by itself and each distribution has its own, so the profile says `host` for all
 * of them; any other path stands in the profile as it is.
 */
const hostPaths = {
  emulator: /^\/usr\/(bin|libexec)\/(qemu-system-[a-z0-9_]+|qemu-kvm|kvm)$/,
  firmware:
    /^\/usr\/share\/(OVMF|ovmf|AAVMF|edk2(-[a-z0-9]+)?|qemu|qemu-efi-[a-z0-9]+|seabios)\/([\w+-][\w.+-]*\/)*[\w+-][\w.+-]*$/,
  variables: /^\/var\/lib\/libvirt\/qemu\/nvram\/[^/]+$/,
  virtiofsd: /^\/usr\/(libexec|lib\/qemu|lib)\/virtiofsd$/,
  channel: /^(\/var\/lib\/libvirt\/qemu\/channel(\/target)?|\/(var\/)?run\/libvirt\/qemu\/channel)\/[^/]+\/[^/]+$/,
  random: /^\/dev\/(u?random|hwrng)$/,
} as const;

/** `host` for a path of the host's own software or for none at all, else the path. */
export const orHost = (kind: keyof typeof hostPaths, path: string | undefined): string =>
  path === undefined || isHostPath(kind, path) ? 'host' : path;

/** Whether libvirt or the distribution would have chosen this path. */
export const isHostPath = (kind: keyof typeof hostPaths, path: string): boolean =>
  hostPaths[kind].test(path) && !path.split('/').includes('..');
