/** States of a key on its key server (KMIP 1.4, 3.22), as vSphere-like centers treat them. */
export const mayEncrypt = (state: string): boolean => state === 'Active';

/** What a key is for once it is used: a VM, or a host that encrypts its core dumps. */
export interface KeyUser {
  readonly component: 'Virtual Machine' | 'Host';
  readonly name: string;
  /** UUID of the VM, hardware UUID of the host. */
  readonly identifier: string;
}

/** Who makes keys: stands on every key from its creation. */
export interface KeyMaker {
  readonly vendor: string;
  readonly product: string;
  readonly version: string;
}

/** Custom attributes from creation. */
export const makerLabels = ({ vendor, product, version }: KeyMaker) =>
  ({ 'x-Vendor': vendor, 'x-Product': product, 'x-Product_Version': version }) as const;

/** Custom attributes once a key is used. */
export const userLabels = ({ component, name, identifier }: KeyUser) =>
  ({ 'x-Component': component, 'x-Name': name, 'x-Identifier': identifier }) as const;

/** What of all our keys nobody uses, in the order of the key server. */
export const unusedOf = (ours: readonly string[], used: ReadonlySet<string>): string[] =>
  ours.filter((id) => !used.has(id));
