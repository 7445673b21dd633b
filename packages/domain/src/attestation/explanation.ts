import { type ComparedPart, comparedParts } from '@vouchsafe/eventlog/changes';
import type { LogDifference } from '@vouchsafe/eventlog/diff';
import Type, { type Static } from 'typebox';
import { validator } from '../parse.ts';
import type { Appraised } from './appraisal.ts';
import { candidatesOf } from './candidate.ts';
import { provenBoot } from './checks/image-match.ts';
import { differenceFrom, type ImageDifference, nearestOf } from './image-difference.ts';
import { Finding } from './messages.ts';
import type { VerdictRecord } from './verdict-record.ts';

const Part = Type.Unsafe<ComparedPart>(Type.Union(comparedParts.map((part) => Type.Literal(part))));

/** Where a boot departs from an image. */
const Nearest = Type.Object({
  image: Type.String(),
  version: Type.String(),
  /** The PCRs that differ. */
  pcrs: Type.Array(Type.Integer()),
  /** By facts that both logs prove. */
  changed: Type.Array(Type.Object({ part: Part, text: Type.String() })),
  unchanged: Type.Array(Part),
  /** By events; `position` counts the events of the PCR in the image's log. */
  events: Type.Array(
    Type.Object({ pcr: Type.Integer(), kind: Type.String(), position: Type.Integer(), text: Type.String() }),
  ),
});

/** The last verdict about a host, and why: for administrators, since it tells which measurements would pass. */
export const Explanation = Type.Object({
  host: Type.String(),
  ek: Type.String(),
  attested: Type.Boolean(),
  /** The image that it passed with. */
  image: Type.Optional(Type.String()),
  /** Staged images that it has: the dry run beside the verdict. */
  staged: Type.Array(Type.String()),
  findings: Type.Array(Finding),
  /** Findings that were too many to be kept. */
  omitted: Type.Optional(Type.Integer()),
  nearest: Type.Optional(Nearest),
  /** Digests of evidence and policy. */
  evidence: Type.String(),
  policy: Type.String(),
  epoch: Type.Integer(),
});
export type Explanation = Static<typeof Explanation>;

/** @throws {Problem} `input.invalid` */
export const readExplanation = validator('stored explanation', Explanation);

/** A verdict holds fewer; a hostile host may try for more. */
const maxFindings = 256;
/** Events that are told of one PCR, and of all together. */
const [maxOfPcr, maxEvents] = [32, 128];
const maxText = 1024;

/** Explains a verdict about a host of the registry: why, and how its boot departs from the nearest active image. */
export function explanationOf({ appraised, record }: { appraised: Appraised; record: VerdictRecord }): Explanation {
  const { appraisal, findings, trusted } = appraised;
  const { host, challenge } = appraisal.input;
  const omitted = findings.length - maxFindings;
  const difference = appraisal.has('image') ? undefined : differenceOf(appraised);
  return {
    host: host?.name ?? '',
    ek: challenge.ek,
    attested: trusted,
    ...(trusted && { image: appraisal.get('image').name }),
    staged: appraisal.has('staged') ? [...appraisal.get('staged')] : [],
    findings: findings.slice(0, maxFindings).map((each) => ({ ...each, detail: each.detail.slice(0, maxText) })),
    ...(omitted > 0 && { omitted }),
    ...(difference !== undefined && { nearest: nearestText(difference) }),
    ...record,
  };
}

/** Undefined when the evidence did not prove a boot, or there is nothing to compare it with. */
function differenceOf({ appraisal }: Appraised): ImageDifference | undefined {
  if (!appraisal.has('facts') || !appraisal.has('log')) return undefined;
  const { policy, now } = appraisal.input;
  const boot = provenBoot(appraisal);
  const active = candidatesOf(policy, now).filter(({ standing }) => standing === 'active');
  const nearest = nearestOf(active, boot);
  return nearest && differenceFrom(nearest, boot, maxOfPcr);
}

function nearestText({ nearest, pcrs, changes, events }: ImageDifference): Static<typeof Nearest> {
  const { name, version } = nearest.image;
  return {
    image: name,
    version,
    pcrs: [...pcrs],
    changed: (changes?.changed ?? []).map(({ part, text }) => ({ part, text: text.slice(0, maxText) })),
    unchanged: [...(changes?.unchanged ?? [])],
    events: events.slice(0, maxEvents).map(eventText),
  };
}

const eventText = ({ pcr, kind, position, text }: LogDifference) => ({
  pcr,
  kind,
  position,
  text: text.slice(0, maxText),
});
