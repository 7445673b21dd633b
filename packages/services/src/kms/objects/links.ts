import type { Attribute } from '@vouchsafe/kmip/attribute';
import type { linkType } from '@vouchsafe/kmip/enums';
import { limits } from '@vouchsafe/kmip/limits';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import type { ManagedObject } from '../managed-object.ts';

type LinkType = keyof typeof linkType;

/** A link to another object (KMIP 1.4, 3.35). */
export const link = (type: LinkType, id: string): Attribute => ({ name: 'Link', value: { type, id } });

/** The object that an object links to. */
export function linked({ attributes }: ManagedObject, type: LinkType): string | undefined {
  for (const each of attributes) if (each.name === 'Link' && each.value.type === type) return each.value.id;
  return undefined;
}

/** The object with one more link. @throws {OperationError} when it has as many attributes as it may */
export function withLink(object: ManagedObject, type: LinkType, id: string): ManagedObject {
  if (object.attributes.length >= limits.attributes)
    throw new OperationError(
      'Permission Denied',
      `the object has ${object.attributes.length} attributes, as many as it may`,
    );
  const links = object.attributes.filter(({ name }) => name === 'Link');
  const index = Math.max(-1, ...links.map(({ index }) => index ?? 0)) + 1;
  return { ...object, attributes: [...object.attributes, { ...link(type, id), index } as Attribute] };
}
