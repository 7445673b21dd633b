import type { Finding } from '@vouchsafe/domain/attestation/verdict';
import { Problem } from '@vouchsafe/domain/problem';
import { type Attestation, type AttesterInput, attest, type Session } from './attester.ts';
import type { AgentConfiguration, ServiceRecord } from './configuration.ts';
import { type ConfirmedBoot, confirmBoot } from './confirmed-boot.ts';
import type { EkChoice } from './ek-choice.ts';
import type { Held } from './refer.ts';
import { retryAfterOf, whileBusy } from './retry-after.ts';

/** What is known of this host's trust, as `host status` shows it; the words are those of the vendor contract. */
export interface TrustStatus {
  readonly attestation_status: 'attested' | 'notAttested' | 'unknown';
  readonly service: string | undefined;
  /** ISO 8601. */
  readonly attested_at: string | undefined;
  readonly attested_until: string | undefined;
  readonly image: string | undefined;
  readonly findings: readonly Finding[];
}

/** A token is renewed when less than this many seconds of it are left. */
export const renewBefore = 60;
/** Seconds that a start of a VM waits for services that are busy. */
const patience = 30;

/**
 * The attestation of this host as it goes on: it holds the token, renews it, and remembers the last verdict. Calls
 * that come together share one attestation, since a TPM does one thing at a time.
 */
export class TrustSession {
  readonly #configuration: AgentConfiguration;
  readonly #input: AttesterInput;
  readonly #now: () => number;
  #session: Session | undefined;
  #running: Promise<Attestation> | undefined;
  #avoided: string | undefined;
  #work: Promise<unknown> = Promise.resolve();
  #last: { at: number; attestation: Attestation } | undefined;
  /** What each service holds of this boot, by its address. */
  readonly #held = new Map<string, Held>();

  constructor(configuration: AgentConfiguration, input: AttesterInput, now: () => number) {
    this.#configuration = configuration;
    this.#input = input;
    this.#now = now;
  }

  /** A session that is valid for a while. @throws {Problem} `attestation.refused`, `service.unreachable` and others */
  async session(): Promise<Session> {
    if (this.#session !== undefined && this.#session.expires - renewBefore > this.#now()) return this.#session;
    const { session, findings, service } = await whileBusy(patience, () => this.attest());
    if (session !== undefined) return session;
    const reasons = findings.filter(({ severity }) => severity === 'fail').map(({ detail }) => detail);
    throw new Problem('attestation.refused', reasons.join('; ') || 'no reason was given', {
      data: { service, findings },
    });
  }

  /** Attests now. A refusal is a result. @throws {Problem} when no service answers or the TPM does not */
  attest(): Promise<Attestation> {
    this.#running ??= this.#alone(async () => this.#remember(await this.#ask())).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /**
   * Attests now, and asks for a SAML assertion beside the token. @returns the assertion; undefined when refused
   * @throws {Problem} as `attest`, or `host.unsupported` when the service makes none
   */
  async assertion(): Promise<string | undefined> {
    const { session, service } = await this.#alone(async () =>
      this.#remember(await this.#ask(undefined, { ...this.#input, documents: ['saml2'] })),
    );
    if (session !== undefined && session.saml === undefined)
      throw new Problem('host.unsupported', `${service} makes no SAML assertions: it runs an older version`);
    return session?.saml;
  }

  /**
   * Shows the services another endorsement key of this TPM. The trust of this host stays as it is, whatever they say:
   * a key that nobody approved yet must not end it.
   * @throws {Problem} as `attest`
   */
  introduce(ek: EkChoice): Promise<Attestation> {
    return this.#alone(() => this.#ask(ek));
  }

  /** One after the other: a TPM does one thing at a time. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => {});
    return done;
  }

  /** Seconds since the last verdict when it was positive; undefined when it was not, or there was none. */
  ageOfTrust(): number | undefined {
    return this.#last?.attestation.session === undefined ? undefined : this.#now() - this.#last.at;
  }

  /**
   * Drops a token that a Key Provider Service does not accept: trust was taken away since, or the Attestation Service
   * that made it has not heard what the others have. The next attestation asks another one first, where there is one.
   */
  drop(session: Session): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    this.#avoided = this.#last?.attestation.service;
  }

  status(): TrustStatus {
    const { at, attestation } = this.#last ?? {};
    const session = attestation?.session;
    return {
      attestation_status: attestation === undefined ? 'unknown' : session === undefined ? 'notAttested' : 'attested',
      service: session === undefined ? undefined : attestation?.service,
      attested_at: session === undefined || at === undefined ? undefined : iso(at),
      attested_until: session === undefined ? undefined : iso(session.expires),
      image: session?.image,
      findings: attestation?.findings ?? [],
    };
  }

  /** Has a service confirm this boot for a base image. @throws {Problem} as `attest`, `attestation.refused` */
  confirm(): Promise<ConfirmedBoot> {
    return this.#alone(() => this.#first((service) => confirmBoot(service, this.#input)));
  }

  #ask(ek?: EkChoice, input = this.#input): Promise<Attestation> {
    return this.#first(async (service) =>
      this.#noteHeld(
        await attest(service, input, ek === undefined ? this.#held.get(service.address) : undefined, ek),
        ek,
      ),
    );
  }

  /** The first service that answers decides: a host that was refused does not ask the next one. */
  async #first<T>(work: (service: ServiceRecord) => Promise<T>): Promise<T> {
    const all = this.#configuration.services('attestation');
    const avoided = ({ service }: (typeof all)[number]) => service.address === this.#avoided;
    const services = [...all.filter((each) => !avoided(each)), ...all.filter(avoided)];
    if (services.length === 0)
      throw new Problem('service.unreachable', 'no Attestation Service is registered on this host');
    const failures: Problem[] = [];
    for (const { service } of services) {
      try {
        return await work(service);
      } catch (error) {
        if (!(error instanceof Problem) || !retryElsewhere.includes(error.kind)) throw error;
        failures.push(error);
      }
    }
    throw soonest(failures) ?? new Problem('service.unreachable', failures.map(({ message }) => message).join('; '));
  }

  /** What a service holds is of the key that it was shown. */
  #noteHeld(attestation: Attestation, ek: EkChoice | undefined): Attestation {
    const { service, held } = attestation;
    if (ek !== undefined || held === undefined) this.#held.delete(service);
    else this.#held.set(service, held);
    return attestation;
  }

  #remember(attestation: Attestation): Attestation {
    this.#last = { at: this.#now(), attestation };
    this.#session = attestation.session;
    return attestation;
  }
}

const retryElsewhere: readonly string[] = [
  'service.unreachable',
  'host.not-ready',
  'server.busy',
  'challenge.elsewhere',
  'group.stale',
];

/** Where services are busy, the one that is so for the shortest time. */
function soonest(failures: readonly Problem[]): Problem | undefined {
  const busy = failures.filter((each) => retryAfterOf(each) !== undefined);
  return busy.toSorted((a, b) => (retryAfterOf(a) ?? 0) - (retryAfterOf(b) ?? 0))[0];
}

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();
