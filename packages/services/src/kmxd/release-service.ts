import { createSecretKey, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { readToken, type TokenClaims, verifyToken } from '@vouchsafe/domain/attestation/token';
import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import type { Group } from '@vouchsafe/domain/group/group';
import { providerSubject } from '@vouchsafe/domain/group/group-state';
import { nonceIsFresh, nonceLifetime, proofHash, sealNonce, verifyProof } from '@vouchsafe/domain/keys/dpop';
import { migrationClaim, readMigrationRequest } from '@vouchsafe/domain/keys/migration';
import {
  type ProvidersAnswer,
  type ReleaseOperation,
  type ReleaseRequest,
  readReleaseRequest,
} from '@vouchsafe/domain/keys/release';
import { signAnswer } from '@vouchsafe/domain/keys/signed-answer';
import { Problem } from '@vouchsafe/domain/problem';
import { firstRefusal, type Rule } from '@vouchsafe/domain/rules';
import type { Membership } from '../host/group-link.ts';
import type { ProviderConfiguration } from './configuration.ts';
import type { PrimaryKeys } from './primary-keys.ts';
import { type Outcome, refusedItem, releaseItem } from './release-item.ts';
import type { HostLimits } from './release-limits.ts';
import { hostRules } from './release-rules.ts';

export interface ReleaseServiceInput {
  readonly group: Group;
  /** What the group has taken away. */
  readonly membership: Membership;
  /** `https://HOST` under which this instance is reached; proofs must name it exactly. */
  readonly url: string;
  readonly providers: ProviderConfiguration;
  readonly primaryKeys: PrimaryKeys;
  readonly signer: () => { readonly key: KeyObject; readonly certificate: X509Certificate };
  readonly limits: HostLimits;
  /** Has the migration CA certify a key (PEM) for a host. */
  readonly certifyMigration: (publicKey: string, host: string) => Promise<{ certificate: string; ca: string }>;
  /** Resolves when all records are on the disk, or rejects; nothing is released without a record. */
  readonly audit: (entries: readonly AuditEntry[]) => Promise<void>;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/** A request of a host as it came. */
export interface HostRequest {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly proof: string | undefined;
  readonly raw: string;
}

/** Who asks, proven by token and proof of possession. */
export interface Caller {
  readonly token: TokenClaims;
  readonly proof: string;
  /** Certificate of the attestd that signed the token. */
  readonly signer: X509Certificate;
}

/** The host's side of the Key Provider Service: authorises, works on each item, records, then answers, signed. */
export class ReleaseService {
  readonly #input: ReleaseServiceInput;
  readonly #nonceKey = createSecretKey(randomBytes(32));
  readonly #seen = new Map<string, number>();

  constructor(input: ReleaseServiceInput) {
    this.#input = input;
  }

  /** A nonce for the next proof. */
  nonce(): Promise<string> {
    return sealNonce(this.#nonceKey, this.#input.now());
  }

  /**
   * Authorises first: who proves nothing learns nothing, not even whether the request is well formed.
   * @throws {Problem} `token.invalid`, `proof.invalid`, `proof.nonce`, `input.malformed`, `input.invalid`,
   * `audit.unwritable`, `group.stale`
   */
  async release(op: ReleaseOperation, request: HostRequest): Promise<string> {
    const caller = await this.#authorise(request);
    const { items } = readReleaseRequest(request.raw);
    const worked = (await this.#mayAsk(op, items, caller))
      ? await inTurn(items, (item) => this.#one(op, item, caller))
      : items.map((item) => ({ item: refusedItem(item, tooMany), reason: tooMany.message }));
    this.#mustStillHold(caller);
    const outcomes = worked.map((outcome, i) => this.#unlessRevoked(outcome, items[i]));
    await this.#input.audit(outcomes.map((outcome, i) => record(op, outcome, items[i]?.ct, caller)));
    if (outcomes.every(({ item }) => item.problem === 'provider.catching-up'))
      throw new Problem('provider.catching-up', outcomes[0]?.item.detail ?? '');
    const answer = await this.#sign({ op, items: outcomes.map(({ item }) => item) }, caller);
    if (outcomes.some(({ item }) => item.problem === undefined && this.#isRevoked(item.prv)))
      throw new Problem('release.refused', 'the key is not released');
    return answer;
  }

  #isRevoked(prv: string): boolean {
    return this.#input.membership.standing.isDenied(providerSubject(prv));
  }

  /** Items wait for those before them, and may wait for slow key servers of other providers. */
  #unlessRevoked(outcome: Outcome, asked: ReleaseRequest['items'][number] | undefined): Outcome {
    if (asked === undefined || outcome.item.problem !== undefined || !this.#isRevoked(asked.prv)) return outcome;
    const refused = new Problem('release.refused', 'provider.revoked: it was revoked meanwhile');
    return { ...outcome, item: refusedItem(asked, refused), reason: refused.message };
  }

  /**
   * A certificate for the migration key that the host has attested: in its registered name, for an hour at most.
   * @throws {Problem} as `release`, `server.busy`, `migration.refused`
   */
  async migrationCertificate(request: HostRequest): Promise<string> {
    const caller = await this.#authorise(request);
    const { token } = caller;
    const spki = Buffer.from(readMigrationRequest(request.raw).spki, 'base64url');
    const wait = this.#input.limits.other(token.sub, 'migration-certificate', costly);
    if (wait > 0) throw busy(wait, 'migration certificates');
    const refusal = await firstRefusal(migrationRequestRules, { token, spki });
    if (refusal !== undefined) {
      await this.#input.audit([migrationRecord(token, { reason: refusal.why, problem: 'migration.refused' })]);
      throw new Problem('migration.refused', refusal.why);
    }
    const key = `-----BEGIN PUBLIC KEY-----\n${spki.toString('base64')}\n-----END PUBLIC KEY-----\n`;
    const certified = await this.#input.certifyMigration(key, token.host);
    this.#mustStillHold(caller);
    const { fingerprint256 } = new X509Certificate(certified.certificate);
    await this.#input.audit([
      migrationRecord(token, { certificate: fingerprint256.replaceAll(':', '').toLowerCase() }),
    ]);
    return await this.#sign({ op: 'migration-certificate', ...certified }, caller);
  }

  /** The providers from which the host may have keys. @throws {Problem} as `release` */
  async listProviders(request: HostRequest): Promise<string> {
    const caller = await this.#authorise(request);
    const { providers: configured, membership } = this.#input;
    const { token } = caller;
    const providers: ProvidersAnswer['providers'] = [];
    for (const provider of configured.list()) {
      const refusal = await firstRefusal(hostRules, { provider, token, standing: membership.standing });
      const { id: prv, name, uses } = provider;
      if (refusal === undefined) providers.push({ prv, name, uses });
    }
    return await this.#sign({ op: 'list-providers', providers }, caller);
  }

  /**
   * Key servers and disks take their time: what was taken away meanwhile counts. A record without a release is borne, a
   * release behind the record of what took it away is not.
   * @throws {Problem} `token.invalid`, `group.stale`
   */
  #mustStillHold({ token: { sub, iat, epoch }, signer }: Caller): void {
    const { membership } = this.#input;
    membership.mustServe();
    const { standing } = membership;
    const why = standing.whyDenied(sub, iat) ?? standing.whyEpoch(epoch) ?? standing.whySigner(signer);
    if (why !== undefined) throw new Problem('token.invalid', `attestation token: ${why}`);
  }

  #one(op: ReleaseOperation, item: ReleaseRequest['items'][number], { token }: Caller): Promise<Outcome> {
    const { providers, primaryKeys, now, membership } = this.#input;
    return releaseItem(op, item, token, { providers, primaryKeys, now, standing: membership.standing });
  }

  /**
   * Whether this host gets anything at all now; raises the event when it has become conspicuous.
   * @throws {Problem} `server.busy`
   */
  async #mayAsk(op: ReleaseOperation, items: ReleaseRequest['items'], { token }: Caller): Promise<boolean> {
    const ciphertexts = items.flatMap(({ ct }) => (ct === undefined ? [] : [ct]));
    const { anomaly, wait, refused } = this.#input.limits.admit(token.sub, op, items.length, ciphertexts);
    if (anomaly !== undefined) await this.#input.audit([anomalyRecord(op, anomaly, token)]);
    if (wait === 0) return !refused;
    throw busy(wait, 'keys');
  }

  async #authorise({ authorization = '', proof, path, raw }: HostRequest): Promise<Caller> {
    const [scheme, token] = authorization.split(' ');
    if (scheme !== 'DPoP' || token === undefined)
      throw new Problem('token.invalid', 'authorization: expected DPoP and a token');
    if (proof === undefined) throw new Problem('proof.invalid', 'dpop: the proof of possession is missing');
    const { group, membership, now, url } = this.#input;
    membership.mustServe();
    const claims = await verifyToken(token, group, now(), membership.standing);
    await verifyProof(proof, {
      jkt: claims.cnf.jkt,
      token,
      url: url + path,
      body: raw,
      nonceIsFresh: (nonce) => nonceIsFresh(this.#nonceKey, nonce, now()),
      enter: (jti) => this.#enter(jti),
    }).catch((error: unknown) => this.#recordMisuse(error, claims, path));
    const { signer } = await readToken(token);
    return { token: claims, proof, signer };
  }

  /** A genuine token without the proof that goes with it was stolen, or its request was changed: somebody should know. */
  async #recordMisuse(error: unknown, token: TokenClaims, path: string): Promise<never> {
    const isMisuse = error instanceof Problem && error.kind === 'proof.invalid';
    // What can be sent again and again must not fill the disk.
    if (isMisuse && this.#input.limits.other(token.sub, 'misuse', costly) === 0) {
      await this.#input.audit([
        {
          action: 'key.refuse',
          actor: { kind: 'host', id: token.sub },
          target: { kind: 'token', id: token.jti },
          outcome: 'failure',
          problem: error.kind,
          detail: { path, host: token.host, scope: token.scope, reason: error.message.slice(0, 512) },
        },
      ]);
    }
    throw error;
  }

  /** The last thing that is done: nothing may be awaited behind it. @throws {Problem} as `#mustStillHold` */
  async #sign(content: { readonly op: string; readonly [name: string]: unknown }, caller: Caller): Promise<string> {
    const { key, certificate } = this.#input.signer();
    const frame = { aud: caller.token.sub, req: proofHash(caller.proof), iat: this.#input.now() };
    const answer = await signAnswer(key, certificate, { ...content, ...frame });
    this.#mustStillHold(caller);
    return answer;
  }

  /**
   * A proof is good once; its nonce bounds how long it must be remembered: twice its life, since the nonce was looked
   * at a moment ago.
   */
  #enter(jti: string): boolean {
    const now = this.#input.now();
    for (const [old, at] of this.#seen) {
      if (at + 2 * nonceLifetime >= now) break;
      this.#seen.delete(old);
    }
    if (this.#seen.has(jti)) return false;
    this.#seen.set(jti, now);
    return true;
  }
}

/** Migration certificates and records of misuse, in keys: with the default limits 100 at once, and one each second. */
const costly = 100;

function busy(wait: number, what: string): Problem {
  const retry_after = Math.max(1, Math.ceil(wait));
  return new Problem('server.busy', `this host asks for too many ${what}: come back in ${retry_after} s`, {
    data: { retry_after },
  });
}

const actions = { 'generate-key': 'key.generate', decrypt: 'key.release', rewrap: 'key.rewrap' } as const;

const tooMany = new Problem('release.refused', 'this host has asked for too many different keys');

/** One after the other: their order in the answer is that of the request, and so is that of the records. */
async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}

const askedBy = ({ host, scope, jti, img }: TokenClaims) => ({ host, scope, token: jti, image: img });

/** Who got which key, or asked for it in vain, and why: the key is named by the hash of its ciphertext. */
function record(
  op: ReleaseOperation,
  { item, kid, reason }: Outcome,
  asked: string | undefined,
  { token }: Caller,
): AuditEntry {
  const failed = item.problem !== undefined;
  return {
    action: failed ? 'key.refuse' : actions[op],
    actor: { kind: 'host', id: token.sub },
    target: { kind: 'kek', id: proofHash(item.ct ?? asked ?? '') },
    outcome: failed ? 'failure' : 'success',
    ...(failed ? { problem: String(item.problem) } : {}),
    detail: {
      op,
      prv: item.prv,
      ...(kid === undefined ? {} : { kid }),
      ...askedBy(token),
      ...(reason === undefined ? {} : { reason }),
    },
  };
}

/** Who asks for a migration certificate, proven, and for which key. */
export interface MigrationAsked {
  readonly token: TokenClaims;
  readonly spki: Uint8Array;
}

/** What a migration certificate is refused for, beyond a token that is not in order. */
export const migrationRequestRules: readonly Rule<MigrationAsked>[] = [
  {
    id: 'migration.attested',
    stops: 'a key from outside the host, to which guests would be sent in its name',
    whyNot: ({ token, spki }) => {
      if (token.mig === undefined) return 'this host attested no migration key';
      return token.mig === migrationClaim(spki) ? undefined : 'it is not the migration key that this host attested';
    },
  },
];

const migrationRecord = (
  token: TokenClaims,
  { problem, ...detail }: { problem?: string; reason?: string; certificate?: string },
): AuditEntry => ({
  action: 'migration.certify',
  actor: { kind: 'host', id: token.sub },
  target: { kind: 'host', id: token.host },
  outcome: problem === undefined ? 'success' : 'failure',
  ...(problem === undefined ? {} : { problem }),
  detail: { ...detail, ...askedBy(token) },
});

const anomalyRecord = (op: ReleaseOperation, different: number, token: TokenClaims): AuditEntry => ({
  action: 'key.anomaly',
  actor: { kind: 'host', id: token.sub },
  target: { kind: 'host', id: token.sub },
  outcome: 'success',
  detail: { op, different, ...askedBy(token) },
});
