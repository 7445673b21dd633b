import type { Challenge } from '@vouchsafe/domain/attestation/challenge';
import { ChallengeRequest, challengeHeader, Evidence, maxLogBytes } from '@vouchsafe/domain/attestation/messages';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import type { Request, RequestHead, Route } from '../http/server.ts';
import { sourceHeader, sourceOf } from '../http/source-of.ts';
import { TokenBucket } from '../limits/token-bucket.ts';
import { Admission, type Lane } from './admission.ts';
import type { AttestationService } from './attestation-service.ts';

/** Two logs of full size in base64, and the rest of the evidence. */
const evidenceLimit = Math.ceil((2 * maxLogBytes * 4) / 3) + 65536;
/** Evidence whose challenge stands in its body, as older agents send it: who sends it is known only when it is read. */
const unnamedLimit = 8 * 1024 * 1024;
/** Bytes of evidence that are held at once while it comes in and waits. */
export const evidenceAtOnce = 128 * 1024 * 1024;
/** First rounds of TPMs that are not in the registry: a challenge costs more than to ask for one. */
const strangers = { perSecond: 50, most: 500 };

const readChallenge = validator('challenge request', ChallengeRequest);
const readEvidence = validator('evidence', Evidence);

/** What the head of a report told. */
interface Announced {
  readonly challenge: Challenge | undefined;
  readonly lane: Lane;
}

/** What hosts ask of an Attestation Service. */
export function attestationRoutes(service: AttestationService, admission = new Admission()): Route[] {
  const unknown = new TokenBucket(strangers);
  const announced = ({ headers: { [challengeHeader]: sealed } }: RequestHead): Announced => {
    if (sealed === undefined) return { challenge: undefined, lane: 'challenge' };
    const challenge = service.open(sealed);
    return { challenge, lane: service.isOurs(challenge.ek) ? 'report' : 'stranger' };
  };
  const secondRound = (
    path: string,
    answer: (evidence: Evidence, opened: Challenge | undefined) => Promise<unknown>,
  ): Route => ({
    method: 'POST',
    path,
    bodyLimit: evidenceLimit,
    admit: (head) => {
      const admitted = announced(head);
      admission.check(admitted.lane, sourceIn(head));
      const bodyLimit = admitted.challenge === undefined ? unnamedLimit : (admitted.challenge.body ?? evidenceLimit);
      return { bodyLimit, admitted };
    },
    handle: (request) => {
      const { challenge, lane } = request.admitted as Announced;
      return admission.run(lane, sourceIn(request), async () => ({
        body: await answer(readEvidence(request.body), challenge),
      }));
    },
  });
  return [
    {
      method: 'POST',
      path: '/attestation/challenge',
      admit: (head) => {
        admission.check('challenge', sourceIn(head));
        return { bodyLimit: 64 * 1024 };
      },
      handle: (request) =>
        admission.run('challenge', sourceIn(request), async () => {
          const wanted = readChallenge(request.body);
          if (!service.isOursIn(wanted)) mustBeSpare(unknown);
          return { body: await service.begin(wanted) };
        }),
    },
    secondRound('/attestation/report', (evidence, opened) => service.report(evidence, opened)),
    secondRound('/attestation/capture', (evidence, opened) => service.capture(evidence, opened)),
    { method: 'GET', path: '/attestation/healthz', handle: () => ({ body: { health: 'OK' } }) },
  ];
}

const sourceIn = ({ headers }: Pick<Request, 'headers'>): string => sourceOf(headers[sourceHeader]);

/** @throws {Problem} `server.busy` */
function mustBeSpare(bucket: TokenBucket): void {
  const wait = bucket.take();
  if (wait === 0) return;
  // Hosts of the registry are not among them, so those may wait the longer, and not all for the same time.
  const retry_after = Math.ceil(wait) + Math.ceil(10 * Math.random());
  throw new Problem('server.busy', 'many TPMs that nobody approved ask at once', { data: { retry_after } });
}
