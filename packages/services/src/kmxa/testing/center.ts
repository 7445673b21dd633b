import { X509Certificate } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import type { EcJwk } from '@vouchsafe/domain/keys/jwk';
import { type CenterSigner, type PushContent, sealPush } from '@vouchsafe/domain/keys/push';
import { type HostTpm, sealToTpm } from '@vouchsafe/domain/keys/push-tpm';
import { keyUses } from '@vouchsafe/domain/keys/reference';
import { type TestGroup, testGroup, testTime } from '@vouchsafe/domain/testing/group';

/** A center as far as it gives keys to hosts: a CA, and a certificate of it for pushing. */
export interface TestCenter {
  /** Thumbprint of its CA, which hosts pin. */
  readonly id: string;
  readonly group: TestGroup;
  readonly signer: CenterSigner;
  /** A native provider with these keys, the last of them the current one. */
  native(to: EcJwk, keys: Record<string, Uint8Array>, change?: Partial<PushContent>, now?: number): Promise<string>;
  /** The same, for one TPM alone. */
  nativeForTpm(
    to: EcJwk,
    keys: Record<string, Uint8Array>,
    tpm: HostTpm,
    listed: string,
    gen?: number,
  ): Promise<string>;
  standard(to: EcJwk, key: string, octets: Uint8Array, change?: Partial<PushContent>): Promise<string>;
  remove(to: EcJwk, content: { kind: 'native' | 'standard'; gen: number; key?: string }): Promise<string>;
}

export const nativePrv = '11111111-2222-4333-8444-555555555555';
export const standardPrv = '22222222-2222-4333-8444-555555555555';

export async function testCenter(name = 'center', time = () => testTime): Promise<TestCenter> {
  const group = await testGroup(name);
  const signer = { ...(await group.inRole('center')), ca: new X509Certificate(group.authority.certificatePem) };
  const given = { gen: 1, uses: [...keyUses] };
  const seal = async (to: EcJwk, content: unknown, octets: Uint8Array, now = time()) => {
    using secret = Secret.take(Uint8Array.from(octets));
    return await sealPush(signer, to, content as PushContent, secret, now);
  };
  const contentOf = (keys: Record<string, Uint8Array>) => {
    const ids = Object.keys(keys);
    const about = { kind: 'native', prv: nativePrv, name: 'vault', keys: ids, current: ids.at(-1) };
    return { ...given, ...about, tpm_required: false };
  };
  return {
    id: group.group.id,
    group,
    signer,
    native: (to, keys, change = {}, now = time()) =>
      seal(to, { ...contentOf(keys), ...change }, Buffer.concat(Object.values(keys)), now),
    async nativeForTpm(to, keys, host, listed, gen = 1) {
      using all = Secret.take(Uint8Array.from(Buffer.concat(Object.values(keys))));
      const { tpm, secret } = await sealToTpm(host, listed, all);
      const content = { ...contentOf(keys), gen, tpm_required: true, tpm } as PushContent;
      return await sealPush(signer, to, content, secret, time());
    },
    standard: (to, key, octets, change = {}) =>
      seal(to, { ...given, kind: 'standard', prv: standardPrv, name: 'hsm', key, state: 'Active', ...change }, octets),
    remove: (to, content) =>
      seal(
        to,
        { prv: content.kind === 'native' ? nativePrv : standardPrv, removed: true, ...content },
        new Uint8Array(),
      ),
  };
}
