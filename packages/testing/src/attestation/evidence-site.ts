import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import type { Evidence } from '@vouchsafe/domain/attestation/messages';
import { defaultTpmSettings } from '@vouchsafe/domain/attestation/policy';
import { newPair } from '@vouchsafe/domain/keys/jwk';
import { AttestationService } from '@vouchsafe/services/attestd/attestation-service';
import { BootHistories } from '@vouchsafe/services/attestd/boot-histories';
import { AttestationConfiguration } from '@vouchsafe/services/attestd/configuration';
import type { EvidenceKeeper } from '@vouchsafe/services/attestd/evidence-keeper';
import { testKeeper } from '@vouchsafe/services/attestd/testing/test-keeper';
import { testMembership } from '@vouchsafe/services/host/testing/membership';
import { makeEvidence } from '@vouchsafe/services/kmxa/evidence';
import { type TestPart, testPart } from '@vouchsafe/services/management/testing/part';
import { type Bench, type BenchHost, benchScope, benchTime, capture, logPaths, requestOf } from './bench.ts';

/** An Attestation Service over a bench that keeps all evidence: `good` has booted its base image. */
export class EvidenceSite implements AsyncDisposable {
  readonly bench: Bench;
  readonly part: TestPart;
  readonly configuration: AttestationConfiguration;
  readonly evidence: EvidenceKeeper;
  readonly service: AttestationService;

  private constructor(of: Pick<EvidenceSite, 'bench' | 'part' | 'configuration' | 'evidence' | 'service'>) {
    this.bench = of.bench;
    this.part = of.part;
    this.configuration = of.configuration;
    this.evidence = of.evidence;
    this.service = of.service;
  }

  static async create(bench: Bench, good: BenchHost, others: readonly BenchHost[]): Promise<EvidenceSite> {
    const part = testPart();
    const configuration = new AttestationConfiguration(part.store);
    configuration.addAuthority('bench', await bench.storedAuthority());
    configuration.addImage(activeRecord(await capture(good)));
    configuration.setSettings({ ...defaultTpmSettings, virtual_tpm_scopes: [benchScope] });
    configuration.setEvidence({ keep: 'all', days: 30, max_mb: 64 });
    for (const { record } of [good, ...others]) configuration.putHost(record);
    const signer = await bench.certify('attestd');
    const evidence = await testKeeper(part.folder, configuration, { group: bench.group, caPem: bench.caPem, signer });
    const service = new AttestationService({
      instance: 'urn:vouchsafe:attestd:bench',
      group: bench.group,
      membership: testMembership(),
      configuration,
      signer: () => signer,
      boots: new BootHistories(part.store),
      audit: (entry) => part.audit(entry),
      keep: (given) => evidence.keep(given),
      whole: () => true,
      now: () => benchTime,
    });
    return new EvidenceSite({ bench, part, configuration, evidence, service });
  }

  /** The first round, and what an honest agent makes of it. */
  async evidenceFor({ tpm, identity, boot }: BenchHost): Promise<Evidence> {
    const keys = { signing: newPair(), encryption: newPair() };
    const input = { agent: logPaths(boot), group: this.bench.group.id, version: 'x' };
    return await makeEvidence(tpm, identity, await this.service.begin(requestOf({ identity })), keys, input);
  }

  /** The newest bundle, as it is exported. */
  async exported(): Promise<Uint8Array> {
    await this.evidence.settled();
    const [newest] = this.evidence.list();
    return this.evidence.export(newest!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.evidence.settled();
    await this.part.close();
  }
}
