import { fromBase64url } from '@vouchsafe/bytes/base64url';
import type { Secret } from '@vouchsafe/bytes/secret';
import type { EcJwk } from '@vouchsafe/domain/keys/jwk';
import type { EventSink } from '@vouchsafe/domain/keys/provider-events';
import { type CenterSigner, type NativePush, type PushContent, sealPush } from '@vouchsafe/domain/keys/push';
import { sealToTpm } from '@vouchsafe/domain/keys/push-tpm';
import { kindOf, Problem, type ProblemKind } from '@vouchsafe/domain/problem';

/** A host that keys are given to, as the inventory of the center has it. */
export interface PushHost {
  readonly name: string;
  readonly enc: EcJwk;
  /** TPMT_PUBLIC of EK and storage root key as the host states them, base64url; undefined without a TPM. */
  readonly tpm: { readonly ek: string; readonly storage: string } | undefined;
  /** SHA-256 of its endorsement key as the inventory lists it, in hexadecimal. */
  readonly ek: string | undefined;
  /** Sends a push to the host. @throws {Problem} */
  send(push: string): Promise<void>;
}

export interface Delivery {
  readonly signer: CenterSigner;
  readonly content: PushContent;
  readonly secret: Secret;
  /** Name of the provider, for events. */
  readonly provider: string;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly tell: EventSink;
}

/** What came of it on one host. */
export interface Delivered {
  readonly host: string;
  readonly problem?: ProblemKind;
  readonly detail?: string;
  /** Generation that the host has, when it refused an older one. */
  readonly gen?: number;
}

/** Gives keys, or a removal, to hosts; each that does not take them is told as an event and in the answer. */
export const deliver = (delivery: Delivery, hosts: readonly PushHost[]): Promise<Delivered[]> =>
  Promise.all(hosts.map((host) => deliverTo(delivery, host)));

async function deliverTo(delivery: Delivery, host: PushHost): Promise<Delivered> {
  try {
    await host.send(await sealed(delivery, host));
    return { host: host.name };
  } catch (error) {
    const detail = (error as Error).message;
    delivery.tell({ id: 'key.not-added', provider: delivery.provider, host: host.name, detail });
    const gen = error instanceof Problem ? error.data.gen : undefined;
    return { host: host.name, problem: kindOf(error), detail, ...(typeof gen === 'number' ? { gen } : {}) };
  }
}

async function sealed({ signer, content, secret, now }: Delivery, host: PushHost): Promise<string> {
  if (!needsTpm(content)) return await sealPush(signer, host.enc, content, secret, now());
  if (host.tpm === undefined || host.ek === undefined)
    throw new Problem(
      'push.refused',
      `host ${host.name} has no TPM that the inventory knows, and the provider requires one`,
    );
  const described = { ek: fromBase64url(host.tpm.ek), storage: fromBase64url(host.tpm.storage) };
  const forTpm = await sealToTpm(described, host.ek, secret);
  using inner = forTpm.secret;
  return await sealPush(signer, host.enc, { ...content, tpm: forTpm.tpm }, inner, now());
}

const needsTpm = (content: PushContent): content is Omit<NativePush, 'v' | 'iss' | 'aud' | 'iat'> =>
  'tpm_required' in content && content.tpm_required;
