import { createSecretKey, type KeyObject, randomBytes, type X509Certificate } from 'node:crypto';
import { readToken, type TokenClaims, verifyToken } from '@vouchsafe/domain/attestation/token';
import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import type { Group } from '@vouchsafe/domain/group/group';
import { nonceIsFresh, nonceLifetime, proofHash, sealNonce, verifyProof } from '@vouchsafe/domain/keys/dpop';
import {
  type ReleaseItem,
  type ReleaseOperation,
  type ReleaseRequest,
  readReleaseRequest,
} from '@vouchsafe/domain/keys/release';
import { signAnswer } from '@vouchsafe/domain/keys/signed-answer';
import { Problem } from '@vouchsafe/domain/problem';
import type { Membership } from '../host/group-link.ts';
import type { ProviderConfiguration } from './configuration.ts';
import type { PrimaryKeys } from './primary-keys.ts';
import { openRules, refusedItem, releaseItem } from './release-item.ts';

export interface ReleaseServiceInput {
  readonly group: Group;
  /** What the group has taken away. */
  readonly membership: Membership;
  /** `https://HOST` under which this instance is reached; proofs must name it exactly. */
  readonly url: string;
  readonly providers: ProviderConfiguration;
  readonly primaryKeys: PrimaryKeys;
  readonly signer: () => { readonly key: KeyObject; readonly certificate: X509Certificate };
  /** Writes all records durably, or throws; nothing is released without a record. */
  readonly audit: (entries: readonly AuditEntry[]) => void;
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
    const body = readReleaseRequest(request.raw);
    const items: ReleaseItem[] = [];
    // One after the other: their order in the answer is that of the request, and so is that of the records.
    for (const item of body.items) items.push(await this.#one(op, item, caller));
    // Key servers take their time. What was taken away meanwhile counts: the record below is the moment of the release.
    this.#mustStillHold(caller);
    this.#input.audit(items.map((item, i) => record(op, item, body.items[i]?.ct, caller)));
    return await this.#sign({ op, items }, caller);
  }

  /** @throws {Problem} as `release` */
  async listProviders(request: HostRequest): Promise<string> {
    const caller = await this.#authorise(request);
    const providers = this.#input.providers.list().map(({ id, name, uses }) => ({ prv: id, name, uses }));
    return await this.#sign({ op: 'list-providers', providers }, caller);
  }

  /** No `await` may stand between this and the record. @throws {Problem} `token.invalid`, `group.stale` */
  #mustStillHold({ token: { sub, iat, epoch }, signer }: Caller): void {
    const { membership } = this.#input;
    membership.mustServe();
    const { standing } = membership;
    const why = standing.whyDenied(sub, iat) ?? standing.whyEpoch(epoch) ?? standing.whySigner(signer);
    if (why !== undefined) throw new Problem('token.invalid', `attestation token: ${why}`);
  }

  async #one(op: ReleaseOperation, item: ReleaseRequest['items'][number], { token }: Caller): Promise<ReleaseItem> {
    try {
      return await releaseItem(op, item, token, this.#input, openRules);
    } catch (error) {
      return refusedItem(item, error);
    }
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
  #recordMisuse(error: unknown, token: TokenClaims, path: string): never {
    if (error instanceof Problem && error.kind === 'proof.invalid') {
      this.#input.audit([
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

  #sign(content: { readonly op: string; readonly [name: string]: unknown }, { token, proof }: Caller): Promise<string> {
    const { key, certificate } = this.#input.signer();
    return signAnswer(key, certificate, { ...content, aud: token.sub, req: proofHash(proof), iat: this.#input.now() });
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

const actions = { 'generate-key': 'key.generate', decrypt: 'key.release', rewrap: 'key.rewrap' } as const;

/** Who got which key, or asked for it in vain: the key is named by the hash of its ciphertext. */
function record(op: ReleaseOperation, item: ReleaseItem, asked: string | undefined, { token }: Caller): AuditEntry {
  const failed = item.problem !== undefined;
  return {
    action: failed ? 'key.refuse' : actions[op],
    actor: { kind: 'host', id: token.sub },
    target: { kind: 'kek', id: proofHash(item.ct ?? asked ?? '') },
    outcome: failed ? 'failure' : 'success',
    ...(failed ? { problem: String(item.problem) } : {}),
    detail: { op, prv: item.prv, host: token.host, scope: token.scope, token: token.jti, image: token.img },
  };
}
