import { Attribute } from './attribute.ts';
import { Name } from './attribute-values.ts';
import { AttributesAs } from './attributes.ts';
import type { TagName } from './tags.ts';
import type { Item, ValueOf } from './ttlv/item.ts';
import { byMajor, optional, repeated, structure, until } from './ttlv/structure.ts';

const templateAttribute = (name: TagName) =>
  structure(name, { names: repeated(Name, 8), attributes: repeated(Attribute, 'attributes') });

/** KMIP 1.4, 2.1.8: the attributes of a new object, and names of templates (deprecated since 1.3). */
export const TemplateAttribute = templateAttribute('Template-Attribute');
export type TemplateAttribute = ValueOf<typeof TemplateAttribute>;

/** From 2.0 on the same stands as Attributes, and there are no templates (KMIP 2.1, 6). */
const asTemplate = (name: TagName): Item<TemplateAttribute> => {
  const { tag, type, read, write } = AttributesAs(name);
  return {
    name,
    tag,
    type,
    read: (reader, at, length) => ({ names: [], attributes: read(reader, at, length) }),
    write: (writer, { attributes }) => write(writer, attributes),
  };
};

const either = (one: TagName, two: TagName) => ({ one: templateAttribute(one), two: asTemplate(two) });
const object = either('Template-Attribute', 'Attributes');
const common = either('Common Template-Attribute', 'Common Attributes');
const privateKey = either('Private Key Template-Attribute', 'Private Key Attributes');
const publicKey = either('Public Key Template-Attribute', 'Public Key Attributes');

/** The attributes of a new object. */
export const newObject = byMajor(object.one, object.two);
/** Those of a new object that has most of its attributes from another one already. */
export const changedObject = byMajor(optional(object.one), optional(object.two));

/** The attributes of a new pair of keys: those of both, and those of each. */
export const newPairFields = {
  common: byMajor(optional(common.one), optional(common.two)),
  privateKey: byMajor(optional(privateKey.one), optional(privateKey.two)),
  publicKey: byMajor(optional(publicKey.one), optional(publicKey.two)),
} as const;

/** What the server chose besides what it was asked; from 2.0 on it is asked for attributes instead. */
export const privateKeyTemplate = until('1.4', optional(privateKey.one));
export const publicKeyTemplate = until('1.4', optional(publicKey.one));
