import { randomBytes, X509Certificate } from 'node:crypto';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import { captureImage } from '@vouchsafe/domain/attestation/capture';
import { ekHash } from '@vouchsafe/domain/attestation/ek';
import { freshPolicy } from '@vouchsafe/domain/attestation/fresh-policy';
import type { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import { type AttestationPolicy, quotedPcrs } from '@vouchsafe/domain/attestation/policy';
import { trustIn } from '@vouchsafe/domain/attestation/tpm-trust';
import { groupOf } from '@vouchsafe/domain/group/group';
import { jwkOf, newPair } from '@vouchsafe/domain/keys/jwk';
import { pinnedAuthority } from '@vouchsafe/domain/testing/tpm-authority';
import { type Authority, createAuthority, issue } from '@vouchsafe/domain/x509/authority';
import { boot } from '@vouchsafe/eventlog/testing/boot';
import type { EventInput } from '@vouchsafe/eventlog/testing/build';
import { buildLog } from '@vouchsafe/eventlog/testing/build';
import type { ImaInput } from '@vouchsafe/eventlog/testing/ima';
import { ekTemplates } from '@vouchsafe/tpm2/ek-template';
import { encodePublic, type TpmtPublic } from '@vouchsafe/tpm2/public';
import { softwareKey } from '@vouchsafe/tpm2/testing/software-key';
import { measuredPcrs } from './compose.ts';
import type { Parts } from './parts.ts';

/** When it all happens: seconds since 1970. */
export const catalogueTime = Math.floor(Date.parse('2026-06-01T00:00:00Z') / 1000);
export const catalogueValidity = { notBefore: new Date('2026-01-01'), notAfter: new Date('2046-01-01') };
export const catalogueScope = 'east';

/** Who stands behind the attestations of the catalogue. */
export interface World {
  /** The group CA. */
  readonly groupAuthority: Authority;
  /** The maker of the TPMs. */
  readonly maker: Authority;
  readonly policy: AttestationPolicy;
}

const file = (name: string, content: number): ImaInput => ({
  template: 'ima-ng',
  digest: new Uint8Array(32).fill(content),
  name,
});

/** Files that the honest host measured: the aggregate of the boot first. */
export const files: readonly ImaInput[] = [
  file('boot_aggregate', 1),
  file('/usr/lib/systemd/systemd', 2),
  file('/usr/bin/vouchsafe', 3),
];

export async function createWorld(): Promise<World> {
  const groupAuthority = await createAuthority({ name: 'group', ...catalogueValidity });
  const maker = await createAuthority({ name: 'TPM maker', ...catalogueValidity });
  const policy: AttestationPolicy = {
    ...freshPolicy(groupOf(groupAuthority.certificatePem)),
    trust: trustIn(pinnedAuthority('maker', maker.certificatePem)),
    images: [activeRecord(imageOf('golden', boot))],
  };
  return { groupAuthority, maker, policy };
}

/** The base image of a boot. */
export function imageOf(name: string, events: readonly EventInput[]): BaseImage {
  const eventLog = buildLog(events, ['sha1', 'sha256']);
  const pcrs = measuredPcrs(eventLog, new Uint8Array());
  return captureImage({ name, version: '1', eventLog, pcrs, now: new Date(catalogueTime * 1000) });
}

/** A TPM with its keys in software: EK and certificate of the maker, AK, all as a real one has them. */
export async function createTpm({ maker }: Pick<World, 'maker'>) {
  const pair = newPair();
  const { x, y } = jwkOf(pair.publicKey);
  const unique = { x: fromBase64url(x), y: fromBase64url(y) };
  const ekArea = { ...ekTemplates['L-2'].area, unique } as TpmtPublic;
  const ekPublic = encodePublic(ekArea);
  const order = { authority: maker, publicKey: pair.publicKey, subject: 'ek', usages: ['agree'] as const };
  const certificate = new X509Certificate(await issue({ ...order, ...catalogueValidity }));
  return { ek: pair, ekArea, ekPublic, certificate, ak: softwareKey('ecc') };
}
export type CatalogueTpm = Awaited<ReturnType<typeof createTpm>>;

export const recordOf = (ekPublic: Uint8Array, name = 'kvm1'): HostRecord => ({
  ek: ekHash(ekPublic),
  name,
  scope: catalogueScope,
  state: 'approved',
  tpm: 'hardware',
  enrolled: 'approved',
  by: 'local-root',
  since: '2026-01-01T00:00:00.000Z',
});

/** An honest attestation: an approved host with the golden boot. Keys and randomness are new each time. */
export function honestParts({ policy }: World, { ekPublic, certificate, ak }: CatalogueTpm): Parts {
  const claims = {
    sig: jwkOf(newPair().publicKey),
    enc: jwkOf(newPair().publicKey),
    group: policy.group.id,
    agent: 'vouchsafe',
  };
  return {
    request: {
      ek: { public: base64url(ekPublic), certificate: base64url(certificate.raw), intermediates: [] },
      ak: base64url(ak.publicArea),
      banks: ['sha256'],
    },
    nonce: new Uint8Array(randomBytes(32)),
    secret: new Uint8Array(randomBytes(32)),
    events: boot,
    banks: ['sha1', 'sha256'],
    log: (honest) => honest,
    ima: files,
    imaLog: (honest) => honest,
    pcrs: (measured) => measured,
    claims: new Uint8Array(Buffer.from(JSON.stringify(claims))),
    selection: [{ hash: 'sha256', pcrSelect: [...quotedPcrs] }],
    pcrHash: 'sha256',
    frame: {},
    attest: (quote) => quote,
    signer: ak,
    evidence: (sent) => sent,
    policy,
    host: recordOf(ekPublic),
    lastBoot: undefined,
    now: catalogueTime,
    consume: () => true,
  };
}
