import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

/** Subject alternative names (RFC 5280, 4.2.1.6) of the three kinds that are used here. */
export interface AlternativeNames {
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
  readonly uri?: readonly string[];
}

const kinds = { dns: 'dns', ip: 'ip', url: 'uri' } as const;

/** A subject with one common name, taken literally: commas and equals signs in it do not start further attributes. */
export const commonName = (name: string): x509.Name => new x509.Name([{ CN: [{ utf8String: name }] }]);

/** The first common name of a subject. */
export const readCommonName = (subject: x509.Name): string | undefined => subject.getField('CN')[0];

/** The extension that carries these names; nothing when there are none. */
export function alternativeNames(names: AlternativeNames): x509.Extension[] {
  const items: x509.JsonGeneralNames = [
    ...(names.dns ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(names.ip ?? []).map((value) => ({ type: 'ip' as const, value })),
    ...(names.uri ?? []).map((value) => ({ type: 'url' as const, value })),
  ];
  return items.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(items)];
}

/** Reads the names back; names of other kinds are left out. */
export function readAlternativeNames(
  extension: x509.SubjectAlternativeNameExtension | null,
): Required<AlternativeNames> {
  const read: Record<'dns' | 'ip' | 'uri', string[]> = { dns: [], ip: [], uri: [] };
  for (const { type, value } of extension?.names.items ?? []) {
    if (type in kinds) read[kinds[type as keyof typeof kinds]].push(value);
  }
  return read;
}
