import { attempt } from '../attempt.ts';
import { eventTypes } from '../event-types.ts';
import type { Finding } from '../finding.ts';
import { asciiText } from '../text.ts';
import { decodeSignatureLists, type Signature } from '../uefi/signature-list.ts';
import { decodeVariable, type Variable } from '../uefi/variable.ts';
import { type Authority, authorityOf } from './authority.ts';
import { type Fact, fact, type Measured, provenBytes } from './fact.ts';

/** The variables that the firmware measures into PCR 7 (Firmware Profile 1.06, 3.3.4.8), and how their value is read. */
const configVariables = {
  SecureBoot: 'flag',
  SetupMode: 'flag',
  AuditMode: 'flag',
  DeployedMode: 'flag',
  PK: 'database',
  KEK: 'database',
  db: 'database',
  dbx: 'database',
  dbt: 'database',
  dbr: 'database',
} as const;
type ConfigVariable = keyof typeof configVariables;
export type FlagVariable = 'SecureBoot' | 'SetupMode' | 'AuditMode' | 'DeployedMode';
export type DatabaseVariable = Exclude<ConfigVariable, FlagVariable>;

/** Name spaces of these variables: EFI_GLOBAL_VARIABLE and EFI_IMAGE_SECURITY_DATABASE. */
const configGuids = ['8be4df61-93ca-11d2-aa0d-00e098032b8c', 'd719b2cb-3d3a-4596-a3bc-dad00e67656f'];

/** A measured signature database. `signatures` is undefined when the value is no signature database. */
export interface Database {
  readonly name: DatabaseVariable;
  /** Digest of the event, in the bank of the facts: stable name of exactly this content. */
  readonly digest: Uint8Array;
  readonly signatures: readonly Signature[] | undefined;
}

/** What PCR 7 proves. A member that is absent is not proven, which never means that it is off. */
export interface SecureBootFacts {
  readonly secureBoot?: Fact<boolean>;
  readonly setupMode?: Fact<boolean>;
  readonly auditMode?: Fact<boolean>;
  readonly deployedMode?: Fact<boolean>;
  readonly databases: Readonly<Partial<Record<DatabaseVariable, Fact<Database>>>>;
  /** In order; every one, so that a policy can ask that all of them are known. */
  readonly authorities: readonly Fact<Authority>[];
  /** Texts in PCR 7, for instance `UEFI Debug Mode` or `DMA Protection Disabled`. */
  readonly actions: readonly Fact<string>[];
}

const members = {
  SecureBoot: 'secureBoot',
  SetupMode: 'setupMode',
  AuditMode: 'auditMode',
  DeployedMode: 'deployedMode',
} as const satisfies Record<FlagVariable, keyof SecureBootFacts>;

/**
 * Facts of PCR 7. What is checked, so that a changed label gains nothing:
 * 1. only variables whose whole structure was measured count;
 * 2. a configuration variable counts only before a separator that was really extended, and only when it is alone;
 * 3. every other measured variable is an authority, whatever its label;
 * 4. what is neither is reported.
 */
export function secureBootFacts(events: readonly Measured[], separated: boolean, findings: Finding[]): SecureBootFacts {
  const configs = new Map<ConfigVariable, [Measured, Variable][]>();
  const authorities: Fact<Authority>[] = [];
  const actions: Fact<string>[] = [];
  for (const each of events) {
    const variable = provenVariable(each);
    const text = variable ? undefined : provenText(each);
    if (variable && isConfig(each, variable)) {
      const name = variable.name as ConfigVariable;
      const known = configs.get(name);
      if (known) known.push([each, variable]);
      else configs.set(name, [[each, variable]]);
    } else if (variable) authorities.push(fact(each, authorityOf(variable)));
    else if (text !== undefined) actions.push(fact(each, text));
    else findings.push(about(each, 'secureBoot.unexplained', 'an event of PCR 7 that is no proven variable or text'));
  }
  return { ...configFacts(configs, separated, findings), authorities, actions };
}

function provenVariable(each: Measured): Variable | undefined {
  if (each.proof.state !== 'data' || (each.proof.rule !== 'data' && each.proof.rule !== 'paddedVariable'))
    return undefined;
  const { measured } = each.proof;
  return attempt(() => decodeVariable(measured));
}

function provenText(each: Measured): string | undefined {
  const bytes = provenBytes(each);
  return bytes && bytes.length > 0 ? asciiText(bytes) : undefined;
}

const isConfig = ({ event }: Measured, { guid, name }: Variable): boolean =>
  event.type === eventTypes.EV_EFI_VARIABLE_DRIVER_CONFIG.value &&
  Object.hasOwn(configVariables, name) &&
  configGuids.includes(guid);

type ConfigFacts = Omit<SecureBootFacts, 'authorities' | 'actions'>;

function configFacts(
  configs: Map<ConfigVariable, [Measured, Variable][]>,
  separated: boolean,
  findings: Finding[],
): ConfigFacts {
  const flags: { -readonly [K in (typeof members)[FlagVariable]]?: Fact<boolean> } = {};
  const databases: Partial<Record<DatabaseVariable, Fact<Database>>> = {};
  for (const [name, measured] of configs) {
    for (const [late] of measured.filter(([{ phase }]) => phase === 'loader')) {
      findings.push(about(late, 'secureBoot.late', `${name} was measured behind the separator`));
    }
    const early = measured.filter(([{ phase }]) => phase === 'firmware');
    const [only, second] = early;
    if (second) findings.push(about(second[0], 'secureBoot.ambiguous', `${name} was measured ${early.length} times`));
    if (!only || second || !separated) continue;
    const [event, { data }] = only;
    if (configVariables[name] === 'flag') {
      const value = flagValue(data);
      if (value !== undefined) flags[members[name as FlagVariable]] = fact(event, value);
    } else databases[name as DatabaseVariable] = fact(event, database(name as DatabaseVariable, event, data));
  }
  return { ...flags, databases };
}

/** A variable that does not exist is measured without data (Firmware Profile, 3.3.4.8): it is off. */
const flagValue = (data: Uint8Array): boolean | undefined =>
  data.length === 0 ? false : data.length === 1 && data[0]! <= 1 ? data[0] === 1 : undefined;

/** A dbx has hundreds of entries, and most verdicts ask for none of them: they are read when somebody does. */
function database(name: DatabaseVariable, { digest }: Measured, data: Uint8Array): Database {
  let read: { readonly entries: readonly Signature[] | undefined } | undefined;
  return {
    name,
    digest,
    get signatures() {
      read ??= { entries: attempt(() => decodeSignatureLists(data)) };
      return read.entries;
    },
  };
}

const about = ({ event }: Measured, code: Finding['code'], detail: string): Finding => ({
  code,
  detail,
  event: event.index,
  pcr: event.pcr,
});
