import { Attribute } from './attribute.ts';
import { nameType } from './enums.ts';
import { limits } from './limits.ts';
import { enumeration, text } from './ttlv/scalars.ts';
import { repeated, structure } from './ttlv/structure.ts';

/** KMIP 1.4, 3.2: as it stands outside an Attribute. */
const Name = structure('Name', { value: text('Name Value', 1024), type: enumeration('Name Type', nameType) });

/** KMIP 1.4, 2.1.8: the attributes of a new object, and names of templates (deprecated since 1.3). */
export const TemplateAttribute = structure('Template-Attribute', {
  names: repeated(Name, 8),
  attributes: repeated(Attribute, limits.attributes),
});
