import Type from 'typebox';
import { validator } from '../parse.ts';

/**
 * What a denial is about: a host, by `ek:` and the SHA-256 of the EK's SubjectPublicKeyInfo, as tokens name it in `sub`;
 * or a key provider, by `prv:` and its id.
 */
export const Subject = Type.String({
  pattern: '^(?:ek:[0-9a-f]{64}|prv:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$',
});

/** A key provider as the subject of a denial. */
export const providerSubject = (prv: string): string => `prv:${prv}`;

/** More denials than this are refused where they are made: what is spread stays bounded. */
export const maxDenials = 100_000;

/** Far above anything that counting up reaches, and still exact in every JSON reader. */
const counter = Type.Integer({ minimum: 0, maximum: 2 ** 48 });
const bySubject = Type.Record(Subject, counter, { additionalProperties: false });

/**
 * What all Trust Authority hosts of a group must know within seconds. It only grows: two states are joined by the
 * larger value of each member, so that order, repetition and detours do not matter.
 */
export const GroupState = Type.Object(
  {
    /** Counts up when trust is taken away; tokens carry the one of their time. */
    epoch: counter,
    /** Tokens of a lower epoch are refused. */
    min_epoch: counter,
    /** Seconds since 1970 from which a subject is denied. */
    deny: bySubject,
    /** The denial up to which a subject was approved again; a later denial, or one that is as yet unheard of, wins. */
    lifted: bySubject,
  },
  { additionalProperties: false },
);
export type GroupState = Type.Static<typeof GroupState>;

/** Some members of a state: what somebody has to add. */
export const GroupChange = Type.Partial(GroupState, { additionalProperties: false });
export type GroupChange = Type.Static<typeof GroupChange>;

export const readGroupState = validator('group state', GroupState);
export const readGroupChange = validator('change of the group state', GroupChange);
