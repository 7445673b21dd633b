import type { AttestationPolicy } from '@vouchsafe/domain/attestation/policy';
import type { PolicyDocument } from '@vouchsafe/domain/attestation/policy-digest';
import type { Group } from '@vouchsafe/domain/group/group';
import { ConfigStore } from '@vouchsafe/store/config-store';
import { AttestationConfiguration } from './configuration.ts';

const noSecrets = () => {
  throw new TypeError('a policy holds no secrets');
};

/**
 * The policy of some day from its documents, read as an Attestation Service reads its own store: what this version can
 * take over from an older one, it can judge by.
 * @throws {Problem} `input.invalid`, `input.malformed` naming the document
 */
export function policyOfDocuments(documents: readonly PolicyDocument[], group: Group): AttestationPolicy {
  using store = ConfigStore.open(':memory:', { seal: noSecrets, open: noSecrets });
  const configuration = new AttestationConfiguration(store);
  configuration.takeOver({ generation: 1, documents: [...documents] });
  return configuration.policy(group);
}
