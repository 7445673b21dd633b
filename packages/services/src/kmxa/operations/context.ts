import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import type { KeyProvider } from '@vouchsafe/domain/keys/provider';
import type { ProvidersAnswer } from '@vouchsafe/domain/keys/release';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import type { AgentConfig } from '../../config/host.ts';
import type { AgentConfiguration } from '../configuration.ts';
import type { LibvirtLink } from '../libvirt-link.ts';
import type { TrustSession } from '../trust-session.ts';
import type { VmEncryptInput } from '../vm-encrypt.ts';

/** The key providers of this host, as the Key Provider Service lists them. */
export interface ProviderSource {
  list(): Promise<ProvidersAnswer['providers']>;
  /** By name or id. @throws {Problem} `provider.unknown` */
  named(name: string): Promise<KeyProvider>;
  /** The same, for keys that nobody is to keep. */
  uncached(name: string): Promise<KeyProvider>;
}

/** What the management operations of kmxa work on. */
export interface KmxaContext {
  readonly agent: AgentConfig;
  readonly configuration: AgentConfiguration;
  readonly trust: TrustSession;
  readonly libvirt: LibvirtLink;
  readonly encryption: VmEncryptInput;
  readonly providers: ProviderSource;
  readonly store: ConfigStore;
  readonly audit: (entry: AuditEntry) => void;
}
