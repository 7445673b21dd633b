import type { KeyObject, X509Certificate } from 'node:crypto';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { hex } from '@vouchsafe/bytes/hex';
import type { AppraisalInput } from '@vouchsafe/domain/attestation/appraisal';
import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import { captureImage } from '@vouchsafe/domain/attestation/capture';
import { ekHash } from '@vouchsafe/domain/attestation/ek';
import { decodeEvidence } from '@vouchsafe/domain/attestation/evidence';
import { extraData } from '@vouchsafe/domain/attestation/extra-data';
import { freshPolicy } from '@vouchsafe/domain/attestation/fresh-policy';
import type { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import type { ChallengeRequest, Evidence, WholeEvidence } from '@vouchsafe/domain/attestation/messages';
import { type ChallengeSeed, type NewChallenge, newChallenge } from '@vouchsafe/domain/attestation/new-challenge';
import {
  type AttestationPolicy,
  defaultTpmSettings,
  imagePcrs,
  quotedPcrs,
} from '@vouchsafe/domain/attestation/policy';
import { type TpmAuthority as TrustedAuthority, trustIn } from '@vouchsafe/domain/attestation/tpm-trust';
import { certificateOf, type Group, groupOf } from '@vouchsafe/domain/group/group';
import { type Role, roles } from '@vouchsafe/domain/group/role';
import { newPair } from '@vouchsafe/domain/keys/jwk';
import { type Authority, createAuthority, issue } from '@vouchsafe/domain/x509/authority';
import { readCertificate } from '@vouchsafe/domain/x509/certificate';
import { certificatePem } from '@vouchsafe/domain/x509/pem-blocks';
import type { EkChoice } from '@vouchsafe/services/kmxa/ek-choice';
import { challengeRequest, makeEvidence, type SessionKeys } from '@vouchsafe/services/kmxa/evidence';
import { openIdentity, type TpmIdentity } from '@vouchsafe/services/kmxa/tpm-identity';
import { pcrRead } from '@vouchsafe/tpm2/commands/pcr-read';
import { startup } from '@vouchsafe/tpm2/commands/startup';
import { Tpm } from '@vouchsafe/tpm2/tpm';
import { SocketTransport } from '@vouchsafe/tpm2/transport/socket';
import { loadBoot, type RecordedBoot, type RecordedBootName } from '../measured-boot/recorded-boot.ts';
import { replayRecordedBoot } from '../simulated-host.ts';
import { Swtpm } from '../swtpm.ts';
import { TpmAuthority } from '../tpm-authority.ts';
import { Workdir } from '../workdir.ts';

/** A host without libvirt: a TPM in the state of a recorded boot, its keys open, its logs in files. */
export interface BenchHost {
  readonly name: string;
  readonly tpm: Tpm;
  readonly identity: TpmIdentity;
  readonly boot: RecordedBoot;
  readonly record: HostRecord;
}

/** One attestation under way: what was asked, what the host answered, and what only the verifier knows. */
export interface Attempt extends NewChallenge {
  readonly host: BenchHost;
  readonly keys: SessionKeys;
  readonly evidence: WholeEvidence;
}

/** When it is on the bench, in seconds since 1970: a little after the TPMs' certificates are made, which have no other date. */
export const benchTime = Math.floor(Date.now() / 1000) + 3600;
/** Scope of the hosts on the bench; their TPMs are virtual. */
export const benchScope = 'bench';

/**
 * Evidence of real TPMs for tests of the verifier: an authority of TPMs, a group, a golden image, and hosts that are
 * enrolled, each with its own software TPM. Time and randomness come from the test.
 */
export class Bench implements AsyncDisposable {
  readonly group: Group;
  readonly work: Workdir;
  readonly #hosts = new Map<string, { swtpm: Swtpm; host: BenchHost }>();
  readonly #authority: TpmAuthority;

  readonly #ca: Authority;

  private constructor(ca: Authority, work: Workdir, authority: TpmAuthority) {
    this.#ca = ca;
    this.group = groupOf(ca.certificatePem);
    this.work = work;
    this.#authority = authority;
  }

  static async create(): Promise<Bench> {
    const ca = await createAuthority({ name: 'bench', ...benchValidity });
    const work = await Workdir.create('bench');
    return new Bench(ca, work, await TpmAuthority.create(work.file('ca')));
  }

  /** Makes a TPM and brings it into the state of a boot. */
  async addHost(name: string, bootName: RecordedBootName): Promise<BenchHost> {
    const state = this.work.file(name);
    await this.#authority.manufacture({ state, name });
    const swtpm = await Swtpm.start({ state });
    const boot = await loadBoot(bootName);
    await swtpm.reboot();
    await replayRecordedBoot(boot, swtpm.socket);
    const tpm = new Tpm(await SocketTransport.open({ path: swtpm.socket }));
    return await this.#open(swtpm, tpm, { name, boot });
  }

  /** Switches the TPM of a host off and on again, and nothing measures into it. The host as it was is closed. */
  async emptied({ name, boot, tpm, identity }: BenchHost): Promise<BenchHost> {
    const { swtpm } = this.#hosts.get(name) ?? {};
    if (swtpm === undefined) throw new TypeError(`no host ${name}`);
    await identity[Symbol.asyncDispose]();
    await tpm.close();
    await swtpm.reboot();
    const again = new Tpm(await SocketTransport.open({ path: swtpm.socket }));
    await startup(again);
    return await this.#open(swtpm, again, { name, boot });
  }

  /** The same host with another endorsement key of its TPM. The host as it was is closed. */
  async withEk({ name, boot, tpm, identity }: BenchHost, choice: EkChoice): Promise<BenchHost> {
    await identity[Symbol.asyncDispose]();
    return await this.#open(this.#hosts.get(name)!.swtpm, tpm, { name, boot }, choice);
  }

  async #open(swtpm: Swtpm, tpm: Tpm, of: Pick<BenchHost, 'name' | 'boot'>, ek?: EkChoice): Promise<BenchHost> {
    const identity = await openIdentity(tpm, ek);
    const host = { ...of, tpm, identity, record: recordOf(of.name, ekHash(identity.ek.publicArea)) };
    this.#hosts.set(of.name, { swtpm, host });
    return host;
  }

  get caPem(): string {
    return this.#ca.certificatePem;
  }

  /** A key with a certificate of the group. */
  async certify(role: Role): Promise<{ key: KeyObject; certificate: X509Certificate }> {
    const { privateKey, publicKey } = newPair();
    const sans = { uri: [roles[role]] };
    const order = { authority: this.#ca, publicKey, subject: role, sans, usages: ['sign'] as const, ...benchValidity };
    return { key: privateKey, certificate: certificateOf(await issue(order), role) };
  }

  /** The authority of the bench's TPMs as an administrator imports it. */
  async trustedAuthority(): Promise<TrustedAuthority> {
    const [root = '', issuer = ''] =
      (await this.#authority.certificates()).match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----/g) ?? [];
    return {
      name: 'bench',
      chain: [root, issuer].map((pem) => readCertificate(certificateOf(pem, 'certificate').raw)),
      virtual: true,
    };
  }

  /** The same as it is stored. */
  async storedAuthority(): Promise<{ certs: string[]; virtual: boolean }> {
    const { chain, virtual } = await this.trustedAuthority();
    return { certs: chain.map(({ raw }) => certificatePem(raw)), virtual };
  }

  /** Policy of an administrator who imported the authority and these images. */
  async policy(...images: readonly BaseImage[]): Promise<AttestationPolicy> {
    const settings = { ...defaultTpmSettings, virtual_tpm_scopes: [benchScope] };
    const trust = trustIn(await this.trustedAuthority());
    return { ...freshPolicy(this.group), settings, trust, images: images.map(activeRecord) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { swtpm, host } of this.#hosts.values()) {
      await host.tpm.close();
      await swtpm.stop();
    }
    await this.work[Symbol.asyncDispose]();
  }
}

const benchValidity = { notBefore: new Date('2026-01-01'), notAfter: new Date('2046-01-01') };

const recordOf = (name: string, ek: string): HostRecord => ({
  ek,
  name,
  scope: benchScope,
  state: 'approved',
  tpm: 'virtual',
  enrolled: 'approved',
  by: 'bench',
  since: '2026-01-01T00:00:00.000Z',
});

/** Captures the boot of a host as base image. */
export const capture = async (host: BenchHost, eventLog: Uint8Array = host.boot.eventLog): Promise<BaseImage> =>
  captureImage({
    name: 'golden',
    version: '1',
    eventLog,
    pcrs: await pcrRead(host.tpm, 'sha256', imagePcrs),
    now: new Date(benchTime * 1000),
  });

let counter = 0;

/** Randomness that is different for each challenge and the same in each run. */
export const seed = (change: Partial<ChallengeSeed> = {}): ChallengeSeed => {
  counter++;
  const bytes = (fill: number) => new Uint8Array(32).fill(fill).with(0, counter & 0xff);
  return { nonce: bytes(1), secret: bytes(2), epoch: 0, exp: benchTime + 60, jti: `challenge-${counter}`, ...change };
};

/** Where an agent finds what a recorded boot left behind. */
export const logPaths = ({ eventLogPath, imaLogPath, commandLinePath }: RecordedBoot) => ({
  event_log: eventLogPath,
  ima_log: imaLogPath,
  command_line: commandLinePath,
});

/** The first round as this host asks for it. */
export const requestOf = ({ identity }: Pick<BenchHost, 'identity'>): ChallengeRequest => challengeRequest(identity);

/** Both rounds as an honest agent does them. */
export async function attempt(host: BenchHost, group: Group, request = requestOf(host)): Promise<Attempt> {
  const made = newChallenge(request, seed());
  const keys = { signing: newPair(), encryption: newPair() };
  const agent = logPaths(host.boot);
  const told = { challenge: 'sealed', ...made.told };
  const input = { agent, group: group.id, version: 'bench' };
  const evidence = await makeEvidence(host.tpm, host.identity, told, keys, input);
  return { ...made, host, keys, evidence };
}

/** What the verifier appraises; `changes` replace parts of it. */
export const inputOf = (
  { challenge, evidence, host }: Pick<Attempt, 'challenge' | 'host'> & { readonly evidence: Evidence },
  policy: AttestationPolicy,
  changes: Partial<AppraisalInput> = {},
): AppraisalInput => ({
  challenge,
  evidence: decodeEvidence(evidence),
  policy,
  host: host.record,
  lastBoot: undefined,
  now: benchTime,
  consume: () => true,
  ...changes,
});

/** What a quote must carry for this attempt: the verifier knows it, and so does whoever learnt the secret. */
export const expectedExtraData = ({ challenge, evidence }: Pick<Attempt, 'challenge' | 'evidence'>): Uint8Array =>
  extraData(challenge.nonce, challenge.secret, fromBase64url(evidence.claims));

/** The part of evidence that says what was booted, as the recorded boot has it and not as the TPM does. */
export const claimedBoot = (boot: RecordedBoot): Pick<Evidence, 'pcrs' | 'event_log' | 'ima_log'> => ({
  pcrs: Object.fromEntries(quotedPcrs.map((pcr) => [String(pcr), boot.pcrs.get(pcr) ?? ''])),
  event_log: base64url(boot.eventLog),
  ima_log: base64url(boot.imaLog),
});

export const pcrText = (pcrs: ReadonlyMap<number, Uint8Array>): Evidence['pcrs'] =>
  Object.fromEntries([...pcrs].map(([pcr, value]) => [String(pcr), hex(value)]));
