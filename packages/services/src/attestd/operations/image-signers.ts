import { ImageSettings, ImageSigner } from '@vouchsafe/domain/attestation/image-signature';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import { administrator } from '../image-import.ts';
import type { ConfigurationContext } from './context.ts';

const { name, key } = ImageSigner.properties;
const NewSigner = Type.Object({ name, key }, { additionalProperties: false });

/** Whose signature makes a base image one of ours, and whether one is needed. */
export const imageSigners = ({ configuration, now, ...context }: ConfigurationContext): Operation[] => [
  query(
    {
      name: 'attestation.os.image-signers.list',
      method: 'GET',
      path: '/attestation/os/image-signers',
      grant: 'READ_ONLY',
      summary: 'List the signers of base images',
    },
    () => configuration.signers(),
  ),
  operation(
    {
      name: 'attestation.os.image-signers.create',
      method: 'POST',
      path: '/attestation/os/image-signers',
      grant: 'SECURITY_MGMT',
      summary: 'List a signer of base images by its public key; from the first one on, signatures are required',
      body: NewSigner,
    },
    (given) => {
      const signer = { ...given, by: administrator, since: now().toISOString() };
      const entry = changed('image.signer', 'image-signer', signer.name, { key: signer.key });
      recorded(context, entry, () => configuration.addSigner(signer));
      return signer;
    },
  ),
  query(
    {
      name: 'attestation.os.image-signers.delete',
      method: 'DELETE',
      path: '/attestation/os/image-signers/:name',
      grant: 'SECURITY_MGMT',
      summary: 'Strike a signer off; images that are active stay so, staged ones of this signer cannot be activated',
    },
    ({ params: { name = '' } }) => {
      const entry = changed('image.signer', 'image-signer', name, { deleted: true });
      recorded(context, entry, () => configuration.deleteSigner(name));
    },
  ),
  query(
    {
      name: 'attestation.os.image-settings.get',
      method: 'GET',
      path: '/attestation/os/image-settings',
      grant: 'READ_ONLY',
      summary: 'Show whether base images must be signed',
    },
    () => ({ image_signature: configuration.imageSignature() }),
  ),
  operation(
    {
      name: 'attestation.os.image-settings.set',
      method: 'PUT',
      path: '/attestation/os/image-settings',
      grant: 'SECURITY_MGMT',
      summary: 'Set whether base images must be signed',
      body: ImageSettings,
    },
    (settings) => {
      const entry = changed('config.change', 'image-settings', 'settings', settings);
      recorded(context, entry, () => configuration.setImageSettings(settings));
      return { image_signature: configuration.imageSignature() };
    },
  ),
];
