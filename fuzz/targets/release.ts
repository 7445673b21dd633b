import { createSecretKey } from 'node:crypto';
import { signToken } from '@vouchsafe/domain/attestation/token';
import { makeProof } from '@vouchsafe/domain/keys/dpop';
import { wrapKek } from '@vouchsafe/domain/keys/kek';
import { releaseOperations } from '@vouchsafe/domain/keys/release';
import { testMembership } from '@vouchsafe/services/host/testing/membership';
import { defaultProvider, ProviderConfiguration } from '@vouchsafe/services/kmxd/configuration';
import { PrimaryKeys } from '@vouchsafe/services/kmxd/primary-keys';
import { defaultLimits, HostLimits } from '@vouchsafe/services/kmxd/release-limits';
import { ReleaseService } from '@vouchsafe/services/kmxd/release-service';
import { FakeSource } from '@vouchsafe/services/kmxd/testing/fake-source';
import { ConfigStore } from '@vouchsafe/store/config-store';
import { problemsOf } from '../problems.ts';
import { fixedPair, now, site } from '../site.ts';
import { json, jsonWords, type MakeTargets, text, wordsOf } from '../target.ts';
import { claims, prv } from './tokens.ts';

const url = 'https://kmxd';
const noSealer = { seal: () => new Uint8Array(), open: () => undefined as never };

/** What a host that is attested may ask of the Key Provider Service; token and proof are always right. */
export const make: MakeTargets = async () => {
  const { group, attestd, kmxd } = await site();
  const primary = createSecretKey(Buffer.alloc(32, 9));
  const providers = new ProviderConfiguration(ConfigStore.open(':memory:', noSealer));
  const servers = [{ name: 'one', address: { hostname: 'localhost' } }];
  const primary_keys = [{ uid: 'one', role: 'current' as const }];
  const { uses, ...defaults } = defaultProvider;
  providers.put({
    ...defaults,
    id: prv,
    name: 'demo',
    servers,
    primary_keys,
    uses: [...uses],
    trusted_certificates: [],
  });
  let time = now;
  const source = new FakeSource();
  source.keys.set('one', primary);
  const service = new ReleaseService({
    group,
    membership: testMembership(),
    url,
    providers,
    primaryKeys: new PrimaryKeys(source, () => time),
    limits: new HostLimits(() => ({ ...defaultLimits, keys_per_second: 100_000, different_keys: 50_000 })),
    certifyMigration: () => Promise.reject(new Error('nobody asks')),
    signer: () => kmxd,
    audit: () => Promise.resolve(),
    now: () => time,
  });
  const ct = await wrapKek(primary, { prv, kid: 'one', scp: 'default', iat: now }, new Uint8Array(32));
  const holder = fixedPair(7);
  let jti = 0;
  return [
    {
      name: 'release',
      samples: [json({ items: [{ prv, ct }] }), json({ items: [{ prv }, { prv, ct }] })],
      words: [...jsonWords, ...wordsOf('"ct":', '"prv":', '.', 'eyJhbGciOiJkaXIifQ')],
      async run(bytes) {
        time++;
        const raw = text(bytes);
        const op = releaseOperations[jti % releaseOperations.length]!;
        const token = await signToken(attestd.key, attestd.certificate, {
          ...claims(group),
          iat: time,
          exp: time + 600,
        });
        const nonce = await service.nonce();
        const path = `/${op}`;
        const of = { ...holder, token, url: url + path, body: raw, nonce, jti: String(jti++).padStart(16, '0'), now };
        await service.release(op, { path, authorization: `DPoP ${token}`, proof: await makeProof(of), raw });
      },
      refuses: problemsOf('input.malformed', 'input.invalid', 'provider.catching-up'),
    },
  ];
};
