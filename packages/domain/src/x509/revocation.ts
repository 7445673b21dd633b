import { type Certificate, subjectText } from './certificate.ts';
import { type Crl, covers, whyNotCrlOf } from './crl.ts';
import type { CertificatePath, PathFault } from './path.ts';

/** `off`: lists are not looked at; `if-present`: a loaded list counts; `required`: each issuer must have a current one. */
export type RevocationMode = 'off' | 'if-present' | 'required';

/** Lists by the name of their issuer. */
export type Crls = ReadonlyMap<string, readonly Crl[]>;

export function crlsByIssuer(crls: Iterable<Crl>): Crls {
  const found = new Map<string, Crl[]>();
  for (const crl of crls) found.set(crl.issuer.id, [...(found.get(crl.issuer.id) ?? []), crl]);
  return found;
}

/** What the lists say of a path. */
export interface RevocationStatus {
  readonly fault: PathFault | undefined;
  /** Lists that are out of date and were used all the same. */
  readonly notes: readonly string[];
  /** Seconds since 1970 until which the lists say the same. */
  readonly until: number;
}

/** Looks each certificate of a path up in the lists of its issuer, the pinned root not. `now` in seconds since 1970. */
export function revocationOf(path: CertificatePath, crls: Crls, mode: RevocationMode, now: number): RevocationStatus {
  const notes: string[] = [];
  let until = Number.POSITIVE_INFINITY;
  if (mode === 'off') return { fault: undefined, notes, until };
  for (const [i, certificate] of path.slice(0, -1).entries()) {
    const issuer = path[i + 1];
    if (issuer === undefined) continue;
    const lists = listsFor(certificate, issuer, crls);
    const revoked = lists.find(({ revoked: serials }) => serials.has(certificate.serial));
    if (revoked !== undefined) return { fault: revokedFault(certificate, i, revoked), notes, until };
    const current = lists.filter((crl) => isCurrent(crl, now));
    for (const { nextUpdate } of current) until = Math.min(until, nextUpdate ?? until);
    if (current.length > 0) continue;
    const why = lists.length === 0 ? missing(issuer) : outdated(issuer, lists);
    if (mode === 'required') return { fault: { kind: 'unchecked', why }, notes, until };
    if (lists.length > 0) notes.push(why);
  }
  return { fault: undefined, notes, until };
}

const isCurrent = ({ thisUpdate, nextUpdate = Number.POSITIVE_INFINITY }: Crl, now: number): boolean =>
  thisUpdate <= now && now < nextUpdate;

/** The lists of the issuer on the path, by its own key: another CA of the same name has lists of its own. */
const listsFor = (certificate: Certificate, issuer: Certificate, crls: Crls): Crl[] =>
  (crls.get(issuer.subject.id) ?? []).filter((crl) => covers(crl, certificate) && isOf(crl, issuer));

/** Signatures that were checked: one for each list and key. */
const checked = new WeakMap<Crl, WeakMap<Certificate, boolean>>();

function isOf(crl: Crl, issuer: Certificate): boolean {
  const by = checked.get(crl) ?? new WeakMap<Certificate, boolean>();
  const known = by.get(issuer) ?? whyNotCrlOf(crl, issuer) === undefined;
  checked.set(crl, by.set(issuer, known));
  return known;
}

/** CRLReason (RFC 5280, 5.3.1). */
const reasons: readonly (string | undefined)[] = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  undefined,
  'removeFromCRL',
  'privilegeWithdrawn',
  'aACompromise',
];

function revokedFault(certificate: Certificate, depth: number, crl: Crl): PathFault {
  const { since = 0, reason } = crl.revoked.get(certificate.serial) ?? {};
  const what = depth === 0 ? 'the certificate' : `its issuer ${subjectText(certificate)}`;
  const because = reason === undefined ? '' : ` (${reasons[reason] ?? `reason ${reason}`})`;
  return { kind: 'revoked', why: `${what} was revoked on ${day(since)}${because}` };
}

const missing = (issuer: Certificate): string => `no revocation list of ${subjectText(issuer)} is loaded`;

const outdated = (issuer: Certificate, lists: readonly Crl[]): string =>
  `the revocation list of ${subjectText(issuer)} is out of date: it was due again on ${day(
    Math.max(...lists.map(({ nextUpdate = 0, thisUpdate }) => Math.max(nextUpdate, thisUpdate))),
  )}`;

const day = (seconds: number): string => new Date(Math.min(seconds, 253402300799) * 1000).toISOString().slice(0, 10);
