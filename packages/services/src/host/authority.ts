import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { Secret } from '@vouchsafe/bytes/secret';
import { checkHostName } from '@vouchsafe/domain/attestation/host-name';
import { certificateOf, groupIdOf } from '@vouchsafe/domain/group/group';
import { roles } from '@vouchsafe/domain/group/role';
import { Problem } from '@vouchsafe/domain/problem';
import { type Authority, createAuthority, issue, type Usage } from '@vouchsafe/domain/x509/authority';
import { parsePrivateKey, privateKeyPem, publicHalf } from '@vouchsafe/domain/x509/pem';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import { addressOf } from '../config/address.ts';
import type { HostConfig } from '../config/host.ts';
import type { HostPart } from '../config/paths.ts';
import { MigrationAuthority } from './migration-authority.ts';

const day = 24 * 3600 * 1000;
const caLifetime = 20 * 365 * day;
/** Keys of parts live in memory only and are certified anew at every start, and daily while a part runs. */
const leafLifetime = 7 * day;

/**
 * The CA of this host. On a Trust Authority host it is the group CA: the root of everything that trusted hosts
 * believe. On a trusted host it only names the host's own proxy.
 */
export class HostAuthority {
  readonly #authority: Authority;
  readonly #config: HostConfig;
  readonly #now: () => Date;
  #migration: Promise<MigrationAuthority> | undefined;

  private constructor(authority: Authority, config: HostConfig, now: () => Date) {
    this.#authority = authority;
    this.#config = config;
    this.#now = now;
  }

  /** Opens the CA, or makes it at the first start. */
  static async open(config: HostConfig, store: ConfigStore, now = () => new Date()): Promise<HostAuthority> {
    return new HostAuthority(loadAuthority(store) ?? (await makeAuthority(config, store, now())), config, now);
  }

  get caPem(): string {
    return this.#authority.certificatePem;
  }

  /** The group that this CA stands for; meaningful on Trust Authority hosts only. */
  get group(): string {
    return groupIdOf(certificateOf(this.caPem, 'CA of this host'));
  }

  /**
   * Certifies a key for one part. Which part asks is known by the socket it asked on, never by what it says.
   * @throws {Problem} `input.malformed` when the key is no P-256 key
   */
  async certify(part: HostPart, publicKeyPem: string): Promise<string> {
    const now = this.#now();
    const { name } = this.#config;
    return await issue({
      authority: this.#authority,
      publicKey: p256(publicKeyPem),
      subject: `${part}.${name}`,
      notBefore: new Date(now.getTime() - 60_000),
      notAfter: new Date(now.getTime() + leafLifetime),
      ...this.#contentFor(part),
    });
  }

  /**
   * Certifies the identity keys of a member. They are for as long as the group lasts: who is a member is decided by the
   * members' list, not by the age of a certificate.
   */
  async certifyMember(name: string, sig: KeyObject, enc: KeyObject): Promise<{ sig: string; enc: string }> {
    const order = {
      authority: this.#authority,
      subject: `member.${name}`,
      sans: { uri: [roles.member] },
      notBefore: new Date(this.#now().getTime() - 60_000),
      notAfter: certificateOf(this.caPem, 'CA of this host').validToDate,
    };
    return {
      sig: await issue({ ...order, publicKey: sig, usages: ['sign', 'client'] }),
      enc: await issue({ ...order, publicKey: enc, usages: ['agree'] }),
    };
  }

  /**
   * Certifies the migration key of a host, whose attestation kmxd has checked.
   * @throws {Problem} `input.malformed` when the key is no P-256 key
   */
  async certifyMigration(publicKeyPem: string, host: string): Promise<{ certificate: string; ca: string }> {
    const publicKey = p256(publicKeyPem);
    this.#migration ??= MigrationAuthority.under(
      this.#authority,
      certificateOf(this.caPem, 'CA of this host').validToDate,
      this.#now,
    );
    const migration = await this.#migration;
    return { certificate: await migration.issue(publicKey, checkHostName(host)), ca: migration.caPem };
  }

  /** The private key (PKCS#8, DER), for a member that joins. */
  privateKey(): Secret {
    return Secret.take(this.#authority.privateKey.export({ type: 'pkcs8', format: 'der' }));
  }

  /**
   * Puts another CA in the place of this host's own; belongs into a transaction with all else that makes the host a
   * member of that group.
   * @throws {Problem} `member.untrusted` when the key is not that of the certificate
   */
  static replace(store: ConfigStore, caPem: string, key: Secret): void {
    const privateKey = key.use((bytes) => privateKeyOf(bytes));
    if (!publicHalf(privateKey).equals(certificateOf(caPem, 'group CA').publicKey))
      throw new Problem('member.untrusted', 'the key that came is not that of the group CA');
    using pem = Secret.take(Buffer.from(privateKeyPem(privateKey)));
    store.putSecret(secretName, pem);
    store.put('authority', 'certificate', caPem);
  }

  #contentFor(part: HostPart): { usages: Usage[]; sans: { dns?: string[]; ip?: string[]; uri?: string[] } } {
    if (part === 'attestd' || part === 'kmxd') return { usages: ['sign'], sans: { uri: [roles[part]] } };
    if (part !== 'proxy') throw new Problem('input.invalid', `${part} has no certificate`);
    const { host } = addressOf(this.#config.listen);
    const named = new URL(this.#config.url ?? `https://${this.#config.listen}`).hostname.replace(/^\[|\]$/g, '');
    const all = [...new Set([host, named])];
    const dns = [this.#config.name, ...all.filter((each) => isIP(each) === 0)];
    return { usages: ['server'], sans: { dns, ip: all.filter((each) => isIP(each) !== 0) } };
  }
}

const secretName = 'authority-key';

function loadAuthority(store: ConfigStore): Authority | undefined {
  using secret = store.getSecret(secretName);
  const certificatePem = store.get('authority', 'certificate');
  if (typeof certificatePem !== 'string') return undefined;
  // Never made anew: every host that joined the group would meet another one under the old address.
  if (secret === undefined)
    throw new Problem(
      'file.unreadable',
      `${secretName}: the key of this host's CA is gone while its certificate is there; put the state directory back from a backup`,
    );
  return { certificatePem, privateKey: secret.use((bytes) => parsePrivateKey(Buffer.from(bytes))) };
}

async function makeAuthority(config: HostConfig, store: ConfigStore, now: Date): Promise<Authority> {
  const name =
    config.role === 'trust-authority' ? `Vouchsafe group of ${config.name}` : `Vouchsafe host ${config.name}`;
  const notAfter = new Date(now.getTime() + caLifetime);
  // The migration CA stands below it.
  const pathLength = config.role === 'trust-authority' ? 1 : 0;
  const authority = await createAuthority({ name, notBefore: new Date(now.getTime() - 60_000), notAfter, pathLength });
  using secret = Secret.take(Buffer.from(privateKeyPem(authority.privateKey)));
  // The key is durable before its certificate: a crash in between makes both anew, and nobody has seen either.
  store.putSecret(secretName, secret);
  store.put('authority', 'certificate', authority.certificatePem);
  return authority;
}

function privateKeyOf(der: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  } catch {
    // The cause is left out: messages of the parser could quote the key.
    throw new Problem('member.untrusted', 'what came is no private key');
  }
}

function p256(pem: string) {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
      throw new TypeError(`key of type ${key.asymmetricKeyType}`);
    return key;
  } catch (cause) {
    throw new Problem('input.malformed', 'public_key: expected a P-256 public key in PEM', { cause });
  }
}
