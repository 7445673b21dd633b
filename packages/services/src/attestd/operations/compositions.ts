import { Composition } from '@vouchsafe/domain/attestation/composition';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import type { ConfigurationContext } from './context.ts';

const { name, firmware, boot } = Composition.properties;
const Declaration = Type.Object({ name, firmware, boot }, { additionalProperties: false });

/** Compositions: the firmware of one base image with the boot of another, declared. */
export const compositions = ({ configuration, now, ...context }: ConfigurationContext): Operation[] => [
  query(
    {
      name: 'attestation.os.compositions.list',
      method: 'GET',
      path: '/attestation/os/compositions',
      grant: 'READ_ONLY',
      summary: 'List the declared compositions of base images',
    },
    () => configuration.compositions(),
  ),
  operation(
    {
      name: 'attestation.os.compositions.create',
      method: 'POST',
      path: '/attestation/os/compositions',
      grant: 'SECURITY_MGMT',
      summary: 'Let hosts have the firmware of one base image with the boot of another',
      body: Declaration,
    },
    (declared) => {
      const { name, firmware, boot } = declared;
      if (firmware === boot)
        throw new Problem('input.invalid', 'boot: expected another image than that of the firmware');
      for (const part of [firmware, boot]) configuration.image(part);
      if (configuration.images().some(({ image }) => image.name === name))
        throw new Problem('object.exists', `there is a base image ${name}`);
      const composition = { ...declared, by: 'local-root', since: now().toISOString() };
      const entry = changed('image.compose', 'composition', name, { firmware, boot });
      recorded(context, entry, () => configuration.addComposition(composition));
      return composition;
    },
  ),
  query(
    {
      name: 'attestation.os.compositions.delete',
      method: 'DELETE',
      path: '/attestation/os/compositions/:name',
      grant: 'SECURITY_MGMT',
      summary: 'Stop trusting a composition; its images stay as they are',
    },
    ({ params: { name = '' } }) => {
      recorded(context, changed('image.decompose', 'composition', name), () => configuration.deleteComposition(name));
    },
  ),
];
