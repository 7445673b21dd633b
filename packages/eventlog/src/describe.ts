import { excerpt } from '@vouchsafe/bytes/codec';
import type { Bank } from './algorithms.ts';
import { attempt } from './attempt.ts';
import { type Content, contentOf } from './content.ts';
import type { LogEvent } from './event.ts';
import { eventTypes } from './event-types.ts';
import { authorityOf, authorityText } from './facts/authority.ts';
import { noActionSignatures } from './no-action.ts';
import { type Proof, type ProofRule, proofOf } from './proof.ts';
import { separatorOf } from './separator.ts';
import { knownTags } from './tagged.ts';
import { printable } from './text.ts';
import { decodeSignatureLists } from './uefi/signature-list.ts';

/** How far an operator may believe the description. */
const proofText: Readonly<Record<Proof['state'], string>> = {
  data: 'proven',
  digest: 'description unproven',
  mismatch: 'description does not match its digest',
  none: 'not measured',
};

const separatorText = {
  zeros: 'end of the firmware part',
  ones: 'end of the firmware part (ones)',
  error: 'the firmware reported an error',
} as const;

/** Variables that hold a signature database. */
const databases = new Set(['PK', 'KEK', 'db', 'dbx', 'dbt', 'dbr']);

/** One line in an operator's words: PCR, type, what the data say, and whether that was measured. */
export function describe(event: LogEvent, bank: Bank, proof: Proof = proofOf(event, bank)): string {
  const separator = separatorOf(event, bank);
  const head = `PCR ${event.pcr} ${event.typeName}`;
  if (separator !== undefined) return `${head}: ${separatorText[separator]} (proven)`;
  const what = contentText(contentOf(event), event);
  return `${head}: ${what === '' ? 'no data' : what} (${proofNote(proof)})`;
}

/** Rules that prove a part of what is shown. */
const partText: Readonly<Partial<Record<ProofRule, string>>> = {
  variableValue: 'value proven, name unproven',
  configValue: 'value proven, name unproven',
  grubText: 'text proven, prefix unproven',
  sectionName: 'name proven',
};

const proofNote = (proof: Proof): string =>
  (proof.state === 'data' ? partText[proof.rule] : undefined) ?? proofText[proof.state];

const isSectionName = (text: string) => /^\.[a-z0-9_]+$/.test(text);

/** What the data of an event say, in words and without any claim that it is true. */
function contentText(content: Content, event: LogEvent): string {
  switch (content.kind) {
    case 'variable':
      if (event.type === eventTypes.EV_EFI_VARIABLE_AUTHORITY.value)
        return printable(`authority ${authorityText(authorityOf(content))}`);
      return `variable ${printable(content.name)} = ${valueText(content.name, content.data)}`;
    case 'image':
      return `image ${content.devicePath || 'without device path'}, ${content.length} bytes`;
    case 'gpt':
      return `partition table of disk ${content.gpt.diskGuid}, ${content.gpt.partitions.length} partitions`;
    case 'blob':
      return `${content.description ? `${printable(content.description)}, ` : ''}${content.length} bytes at 0x${content.base.toString(16)}`;
    case 'tables':
      return `${content.description ? `${printable(content.description)}, ` : ''}tables ${content.guids.join(', ')}`;
    case 'tagged':
      return content.tags
        .map(({ id, name }) => knownTags[id]?.measured ?? `tag ${name}`)
        .slice(0, 8)
        .join(', ');
    case 'text':
      return `${isSectionName(content.text) && event.pcr === 11 ? 'section ' : ''}${printable(content.text)}`;
    case 'signature':
      return `${content.signature}: ${noActionSignatures[content.signature as keyof typeof noActionSignatures]}`;
    case 'bytes':
      return excerpt(content.data);
    case 'undecodable':
      return `${event.data.length} bytes that do not fit the type: ${content.reason}`;
  }
}

function valueText(name: string, value: Uint8Array): string {
  if (value.length === 0) return 'empty';
  if (!databases.has(name)) return excerpt(value);
  const signatures = attempt(() => decodeSignatureLists(value));
  return `${signatures === undefined ? '' : `${signatures.length} entries, `}${value.length} bytes`;
}
