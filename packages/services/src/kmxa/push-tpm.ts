import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import type { Secret } from '@vouchsafe/bytes/secret';
import type { NativePush } from '@vouchsafe/domain/keys/push';
import { credentialOf, type HostTpm, openFromTpm } from '@vouchsafe/domain/keys/push-tpm';
import { Problem } from '@vouchsafe/domain/problem';
import { activateCredential } from '@vouchsafe/tpm2/commands/activate-credential';
import { createPrimary } from '@vouchsafe/tpm2/commands/create-primary';
import { TpmResponseError } from '@vouchsafe/tpm2/response-error';
import { openSealedData, sealData } from '@vouchsafe/tpm2/sealed-data';
import { storageRoot } from '@vouchsafe/tpm2/storage-template';
import type { Tpm } from '@vouchsafe/tpm2/tpm';
import Type from 'typebox';
import type { AgentConfig } from '../config/host.ts';
import { openTpm } from './host-tpm.ts';
import { openChosenEk } from './tpm-identity.ts';

const octets = Type.String({ pattern: '^[A-Za-z0-9_-]+$', maxLength: 4096 });

/** A key that the TPM of this host sealed: TPMT_PUBLIC and the content of TPM2B_PRIVATE. */
export const TpmSealed = Type.Object({ public: octets, private: octets }, { additionalProperties: false });
export type TpmSealed = Type.Static<typeof TpmSealed>;

/** The TPM of this host, as far as pushed keys go through it. Each call opens it anew: others use it as well. */
export interface PushTpm {
  /** What a center has to know to seal to this TPM. @throws {Problem} `tpm.unavailable` */
  describe(): Promise<HostTpm>;
  /** Opens what was sealed to this TPM. @throws {Problem} `push.refused` when it was sealed to another one */
  open(tpm: NonNullable<NativePush['tpm']>, sealed: Uint8Array): Promise<Secret>;
  seal(key: Secret): Promise<TpmSealed>;
  /** @throws {Problem} `seal.unopened` when this TPM did not seal it or was cleared since */
  unseal(sealed: TpmSealed): Promise<Secret>;
}

export const pushTpm = ({ tpm: where, ek: choice }: Pick<AgentConfig, 'tpm' | 'ek'>): PushTpm => ({
  describe: () =>
    withTpm(where, async (tpm) => {
      await using ek = (await openChosenEk(tpm, choice)).ek;
      await using root = await createPrimary(tpm, 'owner', storageRoot);
      return { ek: ek.publicArea, storage: root.publicArea };
    }),
  open: (credential, sealed) =>
    withTpm(
      where,
      async (tpm) => {
        await using ek = (await openChosenEk(tpm, choice)).ek;
        await using root = await createPrimary(tpm, 'owner', storageRoot);
        using contentKey = await activateCredential(tpm, root, ek, credentialOf(credential));
        return await openFromTpm(contentKey, sealed);
      },
      (why, cause) => new Problem('push.refused', `tpm: the TPM of this host does not open it: ${why}`, { cause }),
    ),
  seal: (key) =>
    withTpm(where, async (tpm) => {
      const { publicArea, privateArea } = await sealData(tpm, key);
      return { public: base64url(publicArea), private: base64url(privateArea) };
    }),
  unseal: ({ public: publicArea, private: privateArea }) =>
    withTpm(
      where,
      (tpm) => openSealedData(tpm, { publicArea: fromBase64url(publicArea), privateArea: fromBase64url(privateArea) }),
      (why, cause) =>
        new Problem('seal.unopened', `the TPM at ${where} does not open a key derivation key: ${why}`, { cause }),
    ),
});

/** @param answered how a refusal by the TPM is said, as opposed to one that does not answer */
async function withTpm<T>(
  where: string,
  use: (tpm: Tpm) => Promise<T>,
  answered?: (why: string, cause: unknown) => Problem,
): Promise<T> {
  await using tpm = await openTpm(where);
  try {
    return await use(tpm);
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    if (answered !== undefined && cause instanceof TpmResponseError) throw answered(cause.message, cause);
    throw new Problem('tpm.unavailable', `${where}: ${(cause as Error).message}`, { cause });
  }
}
