import { BlockList, isIP, isIPv6 } from 'node:net';

/**
 * Networks that lead to this host, its neighbours or nobody (IANA IPv4 and IPv6 Special-Purpose Address Registries):
 * whoever writes an address into a certificate must not make an administrator's command ask there.
 */
const networks: readonly [network: string, prefix: number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 96],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

// One list for each family: Node takes an IPv4 address for one of ::ffff:0:0/96 as well.
const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
const familyOf = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4');
for (const [network, prefix] of networks) {
  const family = familyOf(network);
  lists[family].addSubnet(network, prefix, family);
}

/** Whether an address is private, of this host, of its link, or otherwise of nobody in the Internet. */
export function isForbidden(address: string): boolean {
  const plain = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const family = familyOf(plain);
  return isIP(plain) === 0 || lists[family].check(plain, family);
}
