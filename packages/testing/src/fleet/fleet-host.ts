import { createHash, type KeyObject } from 'node:crypto';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { hex } from '@vouchsafe/bytes/hex';
import { ekHash } from '@vouchsafe/domain/attestation/ek';
import { extraData } from '@vouchsafe/domain/attestation/extra-data';
import type { ChallengeAnswer, ChallengeRequest, Evidence, ReportAnswer } from '@vouchsafe/domain/attestation/messages';
import { jwkOf, newPair } from '@vouchsafe/domain/keys/jwk';
import { SoftwareTpm } from '@vouchsafe/tpm2/testing/software-tpm';
import { fleetBoot } from './fleet-boot.ts';

export interface FleetHostOptions {
  /** Files that IMA measured. */
  readonly files?: number;
  readonly group: string;
  readonly certify: (ek: KeyObject) => Promise<Uint8Array>;
}

/** One simulated host: a TPM in memory, its boot, and what an agent makes of both. */
export class FleetHost {
  readonly name: string;
  readonly tpm: SoftwareTpm;
  readonly ek: string;
  /** The key that its tokens are bound to. */
  readonly signing = newPair();
  /** What the service said that it holds. */
  held: ReportAnswer['held'];
  readonly #n: number;
  readonly #files: number;
  readonly #certificate: string;
  readonly #pcrs: ReadonlyMap<number, Uint8Array>;
  readonly #sha256: string;
  readonly #claims: Buffer;

  /**
   * @param n its number, which makes its boot its own
   * @param certify gives the certificate of the EK, DER
   */
  static async make(n: number, { files = 0, group, certify }: FleetHostOptions): Promise<FleetHost> {
    const tpm = new SoftwareTpm();
    return new FleetHost(n, tpm, base64url(await certify(tpm.ekKey)), { files, group });
  }

  private constructor(
    n: number,
    tpm: SoftwareTpm,
    certificate: string,
    { files, group }: { files: number; group: string },
  ) {
    this.name = `host-${n}`;
    this.tpm = tpm;
    [this.#n, this.#files, this.#certificate] = [n, files, certificate];
    this.ek = ekHash(tpm.ekPublic);
    const { eventLog, pcrs } = fleetBoot(n, files);
    this.#pcrs = pcrs;
    this.#sha256 = createHash('sha256').update(eventLog).digest('hex');
    const [sig, enc] = [jwkOf(this.signing.publicKey), jwkOf(newPair().publicKey)];
    this.#claims = Buffer.from(JSON.stringify({ sig, enc, group, agent: 'fleet' }));
  }

  request(): ChallengeRequest {
    return {
      ek: { public: base64url(this.tpm.ekPublic), certificate: this.#certificate, intermediates: [] },
      ak: base64url(this.tpm.ak.publicArea),
      banks: ['sha256'],
    };
  }

  /** By reference when the service holds the log and `whole` is not asked for. */
  evidence(challenge: ChallengeAnswer, { whole = false } = {}): Evidence {
    const secret = this.tpm.activate({
      credentialBlob: fromBase64url(challenge.credential_blob),
      encryptedSecret: fromBase64url(challenge.encrypted_secret),
    });
    const select = [{ hash: 'sha256' as const, pcrSelect: [...challenge.pcrs] }];
    const { attest, signature } = this.tpm.quote(
      extraData(fromBase64url(challenge.nonce), secret, this.#claims),
      select,
      { sha256: this.#pcrs },
    );
    return {
      claims: base64url(this.#claims),
      attest: base64url(attest),
      signature: base64url(signature),
      ek_certificate: this.#certificate,
      intermediates: [],
      pcrs: Object.fromEntries(challenge.pcrs.map((pcr) => [String(pcr), hex(this.#pcrs.get(pcr)!)])),
      ...(this.held === undefined || whole ? this.#logs() : this.#reference(this.held)),
    };
  }

  #logs(): Pick<Evidence, 'event_log' | 'ima_log'> {
    const { eventLog, imaLog } = fleetBoot(this.#n, this.#files);
    return { event_log: base64url(eventLog), ...(imaLog === undefined ? {} : { ima_log: base64url(imaLog) }) };
  }

  #reference({ ima_entries }: NonNullable<ReportAnswer['held']>): Pick<Evidence, 'event_log_sha256' | 'ima_offset'> {
    return { event_log_sha256: this.#sha256, ...(ima_entries > 0 ? { ima_offset: ima_entries } : {}) };
  }
}
