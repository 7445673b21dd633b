/** Facts that the configuration of a libvirt host is made of. */
export interface LibvirtFacts {
  readonly name: string;
  readonly uuid: string;
  /** Its own loopback address. */
  readonly address: string;
  readonly tls: boolean;
  readonly swtpmUser: string;
}

/** The user and group that guests run as; made by Debian's package libvirt-daemon-system. */
export const qemuUser = { user: 'libvirt-qemu', group: 'kvm' } as const;

/** libvirtd.conf: root alone on the local socket; with TLS only peers with a certificate of the same authority. */
export const libvirtdConf = ({ uuid, address, tls }: LibvirtFacts): string => `host_uuid = "${uuid}"
unix_sock_group = "root"
unix_sock_ro_perms = "0700"
unix_sock_rw_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
listen_tcp = 0
listen_tls = ${tls ? 1 : 0}
listen_addr = "${address}"
tls_no_verify_certificate = 0
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
`;

/**
 * qemu.conf: guests run unprivileged, their TPMs as a user of their own, migration only between peers with
 * certificates. What needs systemd or a kernel of its own (cgroups, mount namespaces of guests, virtlogd) is off.
 */
export const qemuConf = ({ address, swtpmUser, tls }: LibvirtFacts): string => `user = "${qemuUser.user}"
group = "${qemuUser.group}"
dynamic_ownership = 1
remember_owner = 0
swtpm_user = "${swtpmUser}"
swtpm_group = "${swtpmUser}"
migration_address = "${address}"
migration_host = "${address}"
${tls ? migrationTls : ''}security_driver = "none"
cgroup_controllers = [ ]
namespaces = [ ]
stdio_handler = "file"
`;

/** libvirtd refuses to start when the folder is not there. */
const migrationTls = `migrate_tls_x509_cert_dir = "/etc/pki/qemu"
migrate_tls_x509_verify = 1
migrate_tls_force = 1
`;

/** /etc/hosts of a host: itself and its peers. */
export const etcHosts = (names: Readonly<Record<string, string>>): string =>
  ['127.0.0.1 localhost', ...Object.entries(names).map(([name, address]) => `${address} ${name}`), ''].join('\n');

/** Folders that a host has for itself and that outlast a power loss. */
export const persistentFolders = [
  '/etc/libvirt',
  '/etc/pki',
  '/etc/vouchsafe',
  '/var/lib/libvirt',
  '/var/lib/swtpm-localca',
  '/var/lib/vouchsafe',
  '/var/log/libvirt',
  '/var/log/swtpm',
  '/var/cache/libvirt',
] as const;

/** Folders that a host has for itself in memory. */
export const volatileFolders = ['/run/libvirt', '/run/vouchsafe'] as const;

/** What has to stay of libvirt's folder of guests when the folder itself is in memory. */
export const qemuPersistentFolders = ['nvram', 'save', 'snapshot', 'dump', 'checkpoint', 'ram', 'channel'] as const;

/** Where libvirt keeps, among others, the master keys of running guests. */
export const qemuStateFolder = '/var/lib/libvirt/qemu';

export interface InitFacts {
  readonly name: string;
  readonly tls: boolean;
  /** Folder that stands for `/`: persistent folders and `/etc/hosts` are taken from it. */
  readonly root: string;
  /** User and group numbers that own the folder of guests; undefined leaves the folder on disk. */
  readonly qemuStateOwner: { readonly uid: number; readonly gid: number } | undefined;
  /** Is made when all mounts are done. */
  readonly mounted: string;
}

/**
 * The first process of a host: mounts the host's own folders, then keeps libvirtd running and reaps orphans (libvirt
 * makes QEMU and swtpm daemons). SIGHUP restarts libvirtd alone; its end is a power loss. A libvirtd that ends again and
 * again ends the host, instead of a wait that leads nowhere.
 */
export function initScript({ name, tls, root, qemuStateOwner, mounted }: InitFacts): string {
  const bind = (path: string) => `mount --bind '${root}${path}' '${path}'`;
  return [
    'set -e',
    'umask 022',
    'ulimit -c 0',
    'mount --make-rprivate /',
    'mount -t proc proc /proc',
    ...withoutKvm(root),
    ...persistentFolders.map(bind),
    ...volatileFolders.map((path) => `mount -t tmpfs -o mode=0755,size=64m tmpfs '${path}'`),
    bind('/etc/hosts'),
    ...(qemuStateOwner === undefined ? [] : qemuStateMounts(root, qemuStateOwner)),
    `hostname '${name}'`,
    `: > '${mounted}'`,
    'set +e',
    'ends=0',
    `trap 'ends=0; kill "$libvirtd"' HUP`,
    'while [ "$ends" -lt 5 ]; do',
    `  /usr/sbin/libvirtd --pid-file /run/libvirt/libvirtd.pid ${tls ? '--listen' : ''} &`,
    '  libvirtd=$!',
    '  ends=$((ends + 1))',
    '  while kill -0 "$libvirtd" 2>/dev/null; do wait "$libvirtd"; done',
    '  sleep 0.1',
    'done',
    'echo "libvirtd does not stay up"',
    'exit 1',
  ].join('\n');
}

/**
 * Guests are emulated, so a KVM device must not be seen: one that opens and cannot run guests would have libvirt probe
 * QEMU anew for every domain.
 */
const withoutKvm = (root: string): string[] => [
  `: > '${root}/../no-kvm' && chmod 000 '${root}/../no-kvm'`,
  `if [ -e /dev/kvm ]; then mount --bind '${root}/../no-kvm' /dev/kvm; fi`,
];

function qemuStateMounts(root: string, { uid, gid }: { uid: number; gid: number }): string[] {
  const folder = qemuStateFolder;
  return [
    `mount -t tmpfs -o mode=0750,uid=${uid},gid=${gid},size=64m tmpfs ${folder}`,
    ...qemuPersistentFolders.flatMap((name) => [
      `mkdir ${folder}/${name}`,
      `mount --bind '${root}${folder}/${name}' ${folder}/${name}`,
    ]),
  ];
}
