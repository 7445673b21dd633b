import { randomUUID } from 'node:crypto';
import { type Group, groupOf } from '@vouchsafe/domain/group/group';
import { makeProof, proofHash } from '@vouchsafe/domain/keys/dpop';
import {
  checkMigrationCertificate,
  type MigrationAnswer,
  readMigrationAnswer,
  spkiOfKey,
} from '@vouchsafe/domain/keys/migration';
import {
  checkItems,
  type ProvidersAnswer,
  type ReleaseAnswer,
  type ReleaseOperation,
  type ReleaseRequest,
  readProvidersAnswer,
  readReleaseAnswer,
} from '@vouchsafe/domain/keys/release';
import { type AnswerFrame, verifyAnswer } from '@vouchsafe/domain/keys/signed-answer';
import { Problem } from '@vouchsafe/domain/problem';
import { decodeJwt } from 'jose';
import { HttpClient } from '../http/client.ts';
import type { Session } from './attester.ts';
import type { AgentConfiguration, ServiceRecord } from './configuration.ts';
import type { TrustSession } from './trust-session.ts';

/** Asks the Key Provider Services of the pinned group, one after the other, until one answers. */
export class KeyReleaseClient {
  readonly #configuration: AgentConfiguration;
  readonly #trust: TrustSession;
  readonly #group: string;
  readonly #now: () => number;

  constructor(configuration: AgentConfiguration, trust: TrustSession, group: string, now: () => number) {
    this.#configuration = configuration;
    this.#trust = trust;
    this.#group = group;
    this.#now = now;
  }

  /**
   * @param skip leaves out the service with this address, when there is another one
   * @returns the checked answer, the session that its keys are sealed to, and which service answered
   * @throws {Problem} `service.unreachable`, `service.untrusted`, `attestation.refused` and others
   */
  async release(op: ReleaseOperation, items: ReleaseRequest['items'], skip?: string) {
    const known = ({ items: found }: ReleaseAnswer) => !found.some(({ problem }) => problem === catchingUp);
    const { answer, session, service } = await this.#ask<ReleaseAnswer>(op, { items }, readReleaseAnswer, skip, known);
    checkItems(answer, items);
    return { answer, session, service };
  }

  /** @throws {Problem} as `release` */
  async providers(): Promise<ProvidersAnswer['providers']> {
    return (await this.#ask<ProvidersAnswer>('list-providers', {}, readProvidersAnswer)).answer.providers;
  }

  /**
   * A certificate for the migration key of this host, checked.
   * @throws {Problem} as `release`, `migration.refused`
   */
  async migrationCertificate(): Promise<{ certificate: string; ca: string }> {
    const { migration } = await this.#trust.session();
    if (migration === undefined) throw new Problem('migration.refused', 'this host attested no migration key');
    const body = { spki: spkiOfKey(migration.publicKey).toString('base64url') };
    const { answer, session } = await this.#ask<MigrationAnswer>('migration-certificate', body, readMigrationAnswer);
    const { certificate, ca } = answer;
    const [service] = this.#configuration.services('kms');
    const group = groupOf(service?.service.trusted_CA ?? '', this.#group);
    const expected = { group, key: migration.publicKey, host: session.host, now: this.#now() };
    await checkMigrationCertificate({ certificate, ca }, expected);
    return { certificate, ca };
  }

  /** @param knows whether the service knows all that was asked for; otherwise the next one may */
  async #ask<A extends AnswerFrame>(
    op: string,
    body: object,
    read: (text: string) => A,
    skip?: string,
    knows: (answer: A) => boolean = () => true,
  ) {
    const all = this.#configuration.services('kms').map(({ service }) => service);
    const others = all.filter(({ address }) => address !== skip);
    const unreachable: string[] = [];
    let partial: { answer: A; session: Session; service: string } | undefined;
    for (const service of others.length > 0 ? others : all) {
      try {
        const found = await this.#askWithGoodToken(service, op, JSON.stringify(body), read);
        const answered = { ...found, service: service.address };
        if (knows(found.answer)) return answered;
        partial ??= answered;
      } catch (error) {
        if (!(error instanceof Problem) || !retryElsewhere.includes(error.kind)) throw error;
        unreachable.push(error.message);
      }
    }
    if (partial !== undefined) return partial;
    throw new Problem(
      'service.unreachable',
      unreachable.join('; ') || 'no Key Provider Service is registered on this host',
    );
  }

  /** A token that is no more accepted is replaced once: trust may have been taken away from others, not from us. */
  async #askWithGoodToken<A extends AnswerFrame>(
    service: ServiceRecord,
    op: string,
    body: string,
    read: (text: string) => A,
  ) {
    const session = await this.#trust.session();
    try {
      return await this.#askOne(service, session, op, body, read);
    } catch (error) {
      if (!(error instanceof Problem) || error.kind !== 'token.invalid') throw error;
      this.#trust.drop(session);
      return await this.#askOne(service, await this.#trust.session(), op, body, read);
    }
  }

  async #askOne<A extends AnswerFrame>(
    service: ServiceRecord,
    session: Session,
    op: string,
    body: string,
    read: (text: string) => A,
  ) {
    const group = groupOf(service.trusted_CA, this.#group);
    const client = new HttpClient({ url: service.address, ca: service.trusted_CA });
    try {
      const { jws, proof } = await this.#exchange(client, service, session, op, body);
      const aud = String(decodeJwt(session.token).sub);
      const answer = await verifyAnswer(
        jws,
        group satisfies Group,
        read,
        { op, aud, req: proofHash(proof) },
        this.#now(),
      );
      return { answer, session };
    } finally {
      await client.close();
    }
  }

  /** The first try asks for a nonce of the service, the second uses it (RFC 9449, 8). */
  async #exchange(client: HttpClient, service: ServiceRecord, session: Session, op: string, body: string) {
    let nonce = 'none';
    for (let tries = 0; ; tries++) {
      const proof = await makeProof({
        ...session.signing,
        token: session.token,
        url: `${service.address}/kms/${op}`,
        body,
        nonce,
        jti: randomUUID(),
        now: this.#now(),
      });
      const headers = { authorization: `DPoP ${session.token}`, dpop: proof };
      try {
        const { body: answer } = await client.call('POST', `/kms/${op}`, body, headers);
        return { jws: String((answer as { answer?: unknown }).answer), proof };
      } catch (error) {
        if (!(error instanceof Problem) || error.kind !== 'proof.nonce' || tries > 0) throw error;
        nonce = String(error.data.nonce);
      }
    }
  }
}

const catchingUp = 'provider.catching-up';

const retryElsewhere: readonly string[] = [
  'service.unreachable',
  'host.not-ready',
  'server.busy',
  catchingUp,
  'group.stale',
];
