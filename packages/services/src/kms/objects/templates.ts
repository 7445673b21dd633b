import type { Attribute } from '@vouchsafe/kmip/attribute';
import { wipeObject } from '@vouchsafe/kmip/managed-object';
import type { TemplateAttribute } from '@vouchsafe/kmip/template-attribute';
import { isMultiple } from '../attributes/writable.ts';
import { decodeContent } from '../content/content.ts';
import { type Asked, invalid, isDestroyed } from '../operations/context.ts';

/**
 * The attributes of a new object: those that the client says, after those of the templates that it names, which it may
 * say otherwise (KMIP 1.4, 2.1.8; deprecated since 1.3).
 * @throws {OperationError} `Invalid Field` when there is no such template
 */
export async function attributesAsked(
  { names, attributes }: TemplateAttribute | { names: []; attributes: readonly Attribute[] },
  call: Asked,
): Promise<readonly Attribute[]> {
  if (names.length === 0) return attributes;
  const said = new Set<string>(attributes.map(({ name }) => name));
  const inherited: Attribute[] = [];
  for (const name of names) inherited.push(...(await templateAttributes({ name: 'Name', value: name }, call)));
  return [...inherited.filter(({ name }) => isMultiple(name) || !said.has(name)), ...attributes].map(unnumbered);
}

const unnumbered = (attribute: Attribute): Attribute => ({ ...attribute, index: undefined });

/** A template may carry its own name among its attributes: that is nobody else's. */
async function templateAttributes(name: Attribute, call: Asked): Promise<Attribute[]> {
  for await (const object of call.tx.find({ scope: call.client.scope, attributes: [name] })) {
    if (object.type !== 'Template' || isDestroyed(object)) continue;
    const content = decodeContent((await call.tx.content(object))!);
    wipeObject(content);
    if (content.type === 'Template') return content.attributes.filter((each) => each.name !== 'Name');
  }
  throw invalid('Template-Attribute: there is no template of this name');
}
