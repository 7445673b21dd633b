import type { Challenge } from '@vouchsafe/domain/attestation/challenge';
import { ChallengeRequest, challengeHeader, Evidence, maxLogBytes } from '@vouchsafe/domain/attestation/messages';
import { validator } from '@vouchsafe/domain/parse';
import type { Route } from '../http/server.ts';
import type { AttestationService } from './attestation-service.ts';

/** Two logs of full size in base64, and the rest of the evidence. */
const evidenceLimit = Math.ceil((2 * maxLogBytes * 4) / 3) + 65536;
/** Evidence whose challenge stands in its body, as older agents send it: who sends it is known only when it is read. */
const unnamedLimit = 8 * 1024 * 1024;
const readChallenge = validator('challenge request', ChallengeRequest);
const readEvidence = validator('evidence', Evidence);

/** What hosts ask of an Attestation Service. */
export const attestationRoutes = (service: AttestationService): Route[] => [
  {
    method: 'POST',
    path: '/attestation/challenge',
    handle: async ({ body }) => ({ body: await service.begin(readChallenge(body)) }),
  },
  secondRound(service, '/attestation/report', (evidence, opened) => service.report(evidence, opened)),
  secondRound(service, '/attestation/capture', (evidence, opened) => service.capture(evidence, opened)),
  { method: 'GET', path: '/attestation/healthz', handle: () => ({ body: { health: 'OK' } }) },
];

const secondRound = (
  service: AttestationService,
  path: string,
  answer: (evidence: Evidence, opened: Challenge | undefined) => Promise<unknown>,
): Route => ({
  method: 'POST',
  path,
  bodyLimit: evidenceLimit,
  admit: async ({ headers: { [challengeHeader]: sealed } }) => {
    if (sealed === undefined) return { bodyLimit: unnamedLimit };
    const admitted = await service.open(sealed);
    return { bodyLimit: admitted.body ?? evidenceLimit, admitted };
  },
  handle: async ({ body, admitted }) => ({
    body: await answer(readEvidence(body), admitted as Challenge | undefined),
  }),
});
