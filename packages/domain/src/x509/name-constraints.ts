import { contextTag, type Der, type Element, tags } from './der.ts';
import { isWithin, type Rdn } from './distinguished-name.ts';
import { type GeneralName, readGeneralName } from './general-name.ts';

/** Names that certificates below a CA may have, and must not have (RFC 5280, 4.2.1.10). */
export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

const maxSubtrees = 64;

/** @throws {DecodeError} */
export function readNameConstraints(der: Der): NameConstraints {
  const fields = der.enter(tags.sequence, 'constraints');
  const permitted = subtrees(fields.optional(contextTag(0), 'permitted'));
  const excluded = subtrees(fields.optional(contextTag(1), 'excluded'));
  fields.finish();
  return { permitted, excluded };
}

function subtrees(element: Element | undefined): GeneralName[] {
  if (element === undefined) return [];
  return [...element.inside().rest('subtree', maxSubtrees)].map((subtree) => {
    const fields = subtree.inside();
    const base = readGeneralName(fields.any('base'));
    // RFC 5280 fixes minimum to 0, which DER does not write, and forbids maximum.
    if (fields.more) subtree.fail('a subtree with minimum or maximum');
    return base;
  });
}

/** What a certificate is called: its subject, and its alternative names. */
export interface Named {
  readonly subject: readonly Rdn[];
  readonly alternatives: readonly GeneralName[];
}

/** Why a certificate may not have its names below these constraints; undefined when it may. */
export function namesRefused({ subject, alternatives }: Named, constraints: NameConstraints): string | undefined {
  for (const name of namesOf(subject, alternatives)) {
    const same = (base: GeneralName) => kindOf(base) === kindOf(name);
    const [permitted, excluded] = [constraints.permitted.filter(same), constraints.excluded.filter(same)];
    if (permitted.length + excluded.length === 0) continue;
    if (name.kind === 'other') return `a name of a kind whose constraints are not supported (tag ${name.tag})`;
    if (excluded.some((base) => within(name, base))) return 'an excluded name';
    if (permitted.length > 0 && !permitted.some((base) => within(name, base))) return 'a name that is not permitted';
  }
  return undefined;
}

const emailAddress = '1.2.840.113549.1.9.1';

/** RFC 5280, 4.2.1.10: the subject counts too, when there is one, and mail addresses in it as such. */
function namesOf(subject: readonly Rdn[], alternatives: readonly GeneralName[]): GeneralName[] {
  const mails = subject.flat().filter(({ type }) => type === emailAddress);
  return [
    ...(subject.length === 0 ? [] : [{ kind: 'directory', name: subject } as const]),
    ...mails.map(({ value }) => ({ kind: 'email', text: value }) as const),
    ...alternatives,
  ];
}

const kindOf = (name: GeneralName): string => (name.kind === 'other' ? `other ${name.tag}` : name.kind);

function within(name: GeneralName, base: GeneralName): boolean {
  if (name.kind === 'directory' && base.kind === 'directory') return isWithin(name.name, base.name);
  if (name.kind === 'ip' && base.kind === 'ip') return withinNetwork(name.octets, base.octets);
  if (name.kind === 'dns' && base.kind === 'dns') return withinDomain(name.text, base.text);
  if (name.kind === 'email' && base.kind === 'email') return withinMail(name.text, base.text);
  if (name.kind === 'uri' && base.kind === 'uri') return withinHost(hostOf(name.text), base.text);
  return false;
}

/** An address and a network: as many octets of address as of mask. Other lengths lie in no network. */
function withinNetwork(address: Uint8Array, network: Uint8Array): boolean {
  if (network.length !== 2 * address.length) return false;
  return address.every(
    (octet, i) =>
      (octet & (network[address.length + i] ?? 0)) === ((network[i] ?? 0) & (network[address.length + i] ?? 0)),
  );
}

function withinDomain(name: string, base: string): boolean {
  const [one, other] = [name.toLowerCase(), base.toLowerCase().replace(/^\./, '')];
  return other === '' || one === other || one.endsWith(`.${other}`);
}

/** A mailbox, all mailboxes of a host, or with a dot before it all those of the hosts of a domain. */
function withinMail(mail: string, base: string): boolean {
  const at = mail.lastIndexOf('@');
  if (base.includes('@')) {
    const baseAt = base.lastIndexOf('@');
    return mail.slice(0, at) === base.slice(0, baseAt) && same(mail.slice(at + 1), base.slice(baseAt + 1));
  }
  return withinHost(mail.slice(at + 1), base);
}

/** A host, or with a dot before it the hosts of a domain. */
const withinHost = (host: string, base: string): boolean =>
  base.startsWith('.') ? host.toLowerCase().endsWith(base.toLowerCase()) : same(host, base);

const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

function hostOf(uri: string): string {
  try {
    return new URL(uri).hostname;
  } catch {
    return '';
  }
}
