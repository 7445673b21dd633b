import { amendmentOf } from '@vouchsafe/domain/attestation/amendment';
import { coverageInWords } from '@vouchsafe/domain/attestation/base-image';
import { candidatesOf } from '@vouchsafe/domain/attestation/candidate';
import { Problem } from '@vouchsafe/domain/problem';
import { type Operation, query } from '../../management/operation.ts';
import type { LastVerdict } from '../last-verdicts.ts';
import type { AttestdContext } from './context.ts';

/** Why a host was attested or refused, and what to approve if that is wanted. */
export const explanations = ({ configuration, verdicts, now }: AttestdContext): Operation[] => {
  const known = () => ({ images: configuration.images(), compositions: configuration.compositions() });
  const lastOf = (name: string): LastVerdict => {
    const rows = configuration.hosts().filter((row) => row.name === name);
    if (rows.length === 0) throw new Problem('object.unknown', `host ${name}`);
    const last = rows
      .flatMap(({ ek }) => verdicts.of(ek) ?? [])
      .toSorted((a, b) => a.last.localeCompare(b.last))
      .at(-1);
    if (last === undefined) throw new Problem('object.unknown', `host ${name}: no verdict of this instance yet`);
    return last;
  };
  return [
    query(
      {
        name: 'attestation.hosts.explain',
        method: 'GET',
        path: '/attestation/hosts/:name/explanation',
        grant: 'READ_ONLY',
        summary: 'Explain the last verdict about a host, and how its boot departs from the nearest base image',
      },
      ({ params: { name = '' } }) => {
        const { explanation, since, last } = lastOf(name);
        return { ...explanation, since, last };
      },
    ),
    query(
      {
        name: 'attestation.hosts.amendment',
        method: 'GET',
        path: '/attestation/hosts/:name/amendment',
        grant: 'READ_ONLY',
        summary: 'Propose a base image of what a refused host booted, to be imported if that is wanted',
      },
      ({ params: { name = '' } }) => {
        const { explanation } = lastOf(name);
        const boot = verdicts.bootOf(explanation.ek);
        const { nearest } = explanation;
        if (explanation.attested || nearest === undefined || boot === undefined)
          throw new Problem('object.unknown', `host ${name}: ${whyNone(explanation)}`);
        const named = candidatesOf(known(), now().getTime() / 1000).find(({ image }) => image.name === nearest.image);
        if (named === undefined)
          throw new Problem('object.unknown', `base image ${nearest.image} is gone; attest again`);
        const rules = configuration.rules();
        const image = amendmentOf({ boot, nearest: named.image, rules, host: name, now: now() });
        return { image, coverage: coverageInWords(image.covers), of: nearest.image };
      },
    ),
  ];
};

const whyNone = ({ attested, nearest }: LastVerdict['explanation']): string =>
  attested
    ? 'it is attested, so there is nothing to amend'
    : nearest === undefined
      ? 'it was refused for something else than what it booted'
      : 'its event log was too large to be kept';
