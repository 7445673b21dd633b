import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import type { KeyProvider } from '@vouchsafe/domain/keys/provider';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import type { AgentConfig } from '../../config/host.ts';
import type { AgentConfiguration } from '../configuration.ts';
import type { LibvirtLink } from '../libvirt-link.ts';
import type { TrustSession } from '../trust-session.ts';
import type { VmEncryptInput } from '../vm-encrypt.ts';

/** What the management operations of kmxa work on. */
export interface KmxaContext {
  readonly agent: AgentConfig;
  readonly configuration: AgentConfiguration;
  readonly trust: TrustSession;
  readonly libvirt: LibvirtLink;
  readonly encryption: VmEncryptInput;
  /** A provider by name or id, as the Key Provider Service lists them. @throws {Problem} `provider.unknown` */
  readonly providerNamed: (name: string) => Promise<KeyProvider>;
  readonly store: ConfigStore;
  readonly audit: (entry: AuditEntry) => void;
}
