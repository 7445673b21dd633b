/** What stands in a template's field (Linux kernel, Documentation/security/IMA-templates.rst). */
export type FieldForm =
  /** `algorithm:` NUL digest, or without the algorithm for `d`. */
  | 'digest'
  /** A string that ends in NUL. */
  | 'string'
  | 'bytes'
  /** Little-endian numbers, decimal in the text form. */
  | 'uint16'
  | 'uint32';

/** Fields by identifier. */
export const templateFields = {
  d: 'digest',
  n: 'string',
  'd-ng': 'digest',
  'd-ngv2': 'digest',
  'n-ng': 'string',
  sig: 'bytes',
  buf: 'bytes',
  'd-modsig': 'digest',
  modsig: 'bytes',
  evmsig: 'bytes',
  xattrnames: 'string',
  xattrlengths: 'bytes',
  xattrvalues: 'bytes',
  iuid: 'uint32',
  igid: 'uint32',
  imode: 'uint16',
} as const satisfies Record<string, FieldForm>;

/** Identifier of a template field. */
export type FieldId = keyof typeof templateFields;

/** The kernel's own templates; a custom one carries its format (`d-ng|n-ng|...`) as its name. */
const descriptors: Readonly<Record<string, string>> = {
  ima: 'd|n',
  'ima-ng': 'd-ng|n-ng',
  'ima-ngv2': 'd-ngv2|n-ng',
  'ima-sig': 'd-ng|n-ng|sig',
  'ima-sigv2': 'd-ngv2|n-ng|sig',
  'ima-buf': 'd-ng|n-ng|buf',
  'ima-modsig': 'd-ng|n-ng|sig|d-modsig|modsig',
  'evm-sig': 'd-ng|n-ng|evmsig|xattrnames|xattrlengths|xattrvalues|iuid|igid|imode',
};

const knownFields = new Map<string, readonly FieldId[] | undefined>();
const maxKnown = 256;

/** The fields of a template, or undefined when name or a field is unknown. */
export function fieldsOf(template: string): readonly FieldId[] | undefined {
  const known = knownFields.get(template);
  if (known !== undefined) return known;
  const fields = readDescriptor(template);
  if (knownFields.size < maxKnown) knownFields.set(template, fields);
  return fields;
}

function readDescriptor(template: string): readonly FieldId[] | undefined {
  const descriptor = Object.hasOwn(descriptors, template) ? descriptors[template]! : template;
  const ids = descriptor.split('|');
  return ids.every((id) => Object.hasOwn(templateFields, id)) ? (ids as FieldId[]) : undefined;
}

/** Template `ima` stores fields without lengths and is hashed with the name filled up with zeros. */
export const originalTemplate = 'ima';
/** Bytes of the name in what template `ima` is hashed over: IMA_EVENT_NAME_LEN_MAX + 1. */
export const originalNameSize = 256;
