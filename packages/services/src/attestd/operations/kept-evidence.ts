import { EvidenceSettings } from '@vouchsafe/domain/attestation/bundle/evidence-settings';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import type { KeptBundle } from '../evidence-archive.ts';
import type { AttestdContext } from './context.ts';

/** Shorter prefixes of an id are no name. */
const shortestPrefix = 6;

/** The evidence that was kept of verdicts. */
export const keptEvidence = ({ configuration, evidence, ...context }: AttestdContext): Operation[] => {
  const hostOf = ({ ek }: KeptBundle) => configuration.host(ek)?.name;
  return [
    query(
      {
        name: 'attestation.evidence.list',
        method: 'GET',
        path: '/attestation/evidence',
        grant: 'READ_ONLY',
        summary: 'List the evidence that was kept of verdicts, the newest first',
      },
      () => evidence.list().map((bundle) => ({ ...bundle, host: hostOf(bundle) })),
    ),
    query(
      {
        name: 'attestation.evidence.get',
        method: 'GET',
        path: '/attestation/evidence/:name',
        grant: 'READ_ONLY',
        summary: 'Export the newest bundle of a host, or that with an id; base64 of a file',
      },
      ({ params: { name = '' } }) => {
        const bundle = evidence.list().find((each) => isNamed(each, hostOf(each), name));
        if (bundle === undefined)
          throw new Problem('object.unknown', `evidence of ${name}: no host or id of kept evidence begins so`);
        return { ...bundle, host: hostOf(bundle), file: Buffer.from(evidence.export(bundle)).toString('base64') };
      },
    ),
    query(
      {
        name: 'attestation.evidence-settings.get',
        method: 'GET',
        path: '/attestation/evidence-settings',
        grant: 'READ_ONLY',
        summary: 'Show which evidence is kept, and for how long',
      },
      () => configuration.evidence(),
    ),
    operation(
      {
        name: 'attestation.evidence-settings.update',
        method: 'PATCH',
        path: '/attestation/evidence-settings',
        grant: 'SECURITY_MGMT',
        summary: 'Change which evidence is kept, and for how long',
        body: Type.Partial(EvidenceSettings, { additionalProperties: false }),
      },
      (change) => {
        const next = { ...configuration.evidence(), ...change };
        recorded(context, changed('config.change', 'evidence-settings', 'settings', change), () =>
          configuration.setEvidence(next),
        );
        evidence.prune();
        return next;
      },
    ),
  ];
};

const isNamed = ({ id, ek }: KeptBundle, host: string | undefined, name: string): boolean =>
  host === name || ek === name || (name.length >= shortestPrefix && id.startsWith(name));
