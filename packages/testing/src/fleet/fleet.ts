import type { KeyObject } from 'node:crypto';
import { X509Certificate } from 'node:crypto';
import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import { ChallengeAnswer, challengeHeader, ReportAnswer } from '@vouchsafe/domain/attestation/messages';
import { validator } from '@vouchsafe/domain/parse';
import { type Authority, createAuthority, issue } from '@vouchsafe/domain/x509/authority';
import { HttpClient } from '@vouchsafe/services/http/client';
import { patienceOfAgents } from '@vouchsafe/services/kmxa/attester';
import { AuthorityHost, type AuthorityHostOptions } from '../site/authority-host.ts';
import { Workdir } from '../workdir.ts';
import { fleetImage } from './fleet-boot.ts';
import { FleetHost } from './fleet-host.ts';

const validity = { notBefore: new Date('2026-01-01'), notAfter: new Date('2046-01-01') };
const readChallenge = validator('challenge answer', ChallengeAnswer);
const readReport = validator('report answer', ReportAnswer);

/** A Trust Authority host of real processes, and as many simulated hosts as are asked for, all of them approved. */
export class Fleet implements AsyncDisposable {
  readonly authority: AuthorityHost;
  readonly group: string;
  readonly caPem: string;
  readonly hosts: FleetHost[] = [];
  readonly #work: Workdir;
  readonly #maker: Authority;

  private constructor(of: { authority: AuthorityHost; group: string; caPem: string; work: Workdir; maker: Authority }) {
    [this.authority, this.group, this.caPem] = [of.authority, of.group, of.caPem];
    [this.#work, this.#maker] = [of.work, of.maker];
  }

  /** @param options another program, for instance this one under a profiler */
  static async start(listen: string, options: Pick<AuthorityHostOptions, 'program'> = {}): Promise<Fleet> {
    const work = await Workdir.create('fleet');
    const authority = await AuthorityHost.start({ name: 'ta', folder: work.file('ta'), listen, ...options });
    const maker = await createAuthority({ name: 'maker of simulated TPMs', ...validity });
    const path = '/attestation/tpm2/ca-certificates';
    await authority.call('attestd', 'POST', path, { name: 'maker', cert_chain: { certs: [maker.certificatePem] } });
    const { image } = activeRecord(fleetImage());
    await authority.call('attestd', 'POST', '/attestation/os/base-images', { image, userspace_unmeasured: true });
    await authority.call('attestd', 'POST', `/attestation/os/base-images/${image.name}/activate`);
    return new Fleet({ authority, group: await authority.group(), caPem: await authority.groupCa(), work, maker });
  }

  /** Adds hosts and approves them. @param files entries of their IMA logs */
  async add(count: number, { files = 0 } = {}): Promise<void> {
    const certify = (ek: KeyObject) => this.#certify(ek);
    const { group } = this;
    for (let i = 0; i < count; i++) {
      this.hosts.push(await FleetHost.make(this.hosts.length, { files, group, certify }));
    }
    const fresh = this.hosts.slice(-count);
    const path = '/attestation/tpm2/endorsement-keys/approvals';
    for (let at = 0; at < fresh.length; at += 500) {
      const entries = fresh.slice(at, at + 500).map(({ name, ek }) => ({ name, scope: 'fleet', ek }));
      await this.authority.call('attestd', 'POST', path, { entries });
    }
  }

  async #certify(publicKey: KeyObject): Promise<Uint8Array> {
    const order = { authority: this.#maker, publicKey, subject: 'ek', usages: ['agree'] as const, ...validity };
    return new X509Certificate(await issue(order)).raw;
  }

  /** A connection as an agent has it. */
  connect(): HttpClient {
    return new HttpClient({ url: this.authority.url, ca: this.caPem }, patienceOfAgents);
  }

  /** Process of a part. */
  async pid(part: string): Promise<number> {
    const { parts } = (await this.authority.call('host', 'GET', '/host/status')) as {
      parts: { part: string; pid: number }[];
    };
    return parts.find((each) => each.part === part)!.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.authority[Symbol.asyncDispose]();
    await this.#work[Symbol.asyncDispose]();
  }
}

/**
 * Both rounds of one host over one connection.
 * @throws {Problem} what the service says; {Error} when it refuses the host
 */
export async function attestOnce(client: HttpClient, host: FleetHost, { whole = false } = {}): Promise<ReportAnswer> {
  const challenge = readChallenge((await client.call('POST', '/attestation/challenge', host.request())).body);
  const headers = { [challengeHeader]: challenge.challenge };
  const { body } = await client.call('POST', '/attestation/report', host.evidence(challenge, { whole }), headers);
  const report = readReport(body);
  if (!report.attested) throw new Error(`${host.name} was refused: ${JSON.stringify(report.findings)}`);
  host.held = report.held;
  return report;
}
