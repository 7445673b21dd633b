import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import type { KeyProvider } from '@vouchsafe/domain/keys/provider';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import type { AgentConfig } from '../../config/host.ts';
import type { AgentIdentity } from '../agent-identity.ts';
import type { AgentConfiguration } from '../configuration.ts';
import type { LibvirtLink } from '../libvirt-link.ts';
import type { ListedProvider } from '../providers.ts';
import type { PushTpm } from '../push-tpm.ts';
import type { TrustSession } from '../trust-session.ts';
import type { VmEncryptInput } from '../vm-encrypt.ts';

/** The key providers of this host: those that the Key Provider Service lists, and those that a center pushed. */
export interface ProviderSource {
  list(): Promise<ListedProvider[]>;
  /** By name or id. @param key id of the key of a standard provider for what is encrypted @throws {Problem} `provider.unknown` */
  named(name: string, key?: string): Promise<KeyProvider>;
  /** The same, for keys that nobody is to keep. */
  uncached(name: string): Promise<KeyProvider>;
}

/** What the management operations of kmxa work on. */
export interface KmxaContext {
  readonly agent: AgentConfig;
  readonly configuration: AgentConfiguration;
  readonly trust: TrustSession;
  /** A certificate for the migration key of this host, PEM, and the CA that issued it. @throws {Problem} */
  readonly migrationCertificate: () => Promise<{ certificate: string; ca: string }>;
  readonly libvirt: LibvirtLink;
  readonly encryption: VmEncryptInput;
  readonly providers: ProviderSource;
  /** Who this host is to a center. */
  readonly identity: AgentIdentity;
  readonly pushTpm: PushTpm;
  readonly store: ConfigStore;
  readonly audit: (entry: AuditEntry) => void;
}
