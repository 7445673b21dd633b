import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBase64url } from '@vouchsafe/bytes/base64url';
import { testGroup } from '@vouchsafe/domain/testing/group';
import { AttestationService } from '@vouchsafe/services/attestd/attestation-service';
import { AttestationConfiguration } from '@vouchsafe/services/attestd/configuration';
import { testMembership } from '@vouchsafe/services/host/testing/membership';
import { testPart } from '@vouchsafe/services/management/testing/part';
import { catalogueTime, createTpm, createWorld, honestParts } from '../catalogue/honest.ts';

const rounds = 400;

test('nonces have 256 bits, and none comes twice, also after a start of the service', async (t) => {
  const world = await createWorld();
  const { request } = honestParts(world, await createTpm(world));
  const { group, inRole } = await testGroup();
  const signer = await inRole('attestd');
  const part = testPart();
  t.after(() => part.close());
  const start = () =>
    new AttestationService({
      instance: 'urn:vouchsafe:attestd:nonces',
      group,
      membership: testMembership(),
      configuration: new AttestationConfiguration(part.store),
      signer: () => signer,
      boots: { last: () => undefined, put: () => undefined },
      audit: (entry) => part.audit(entry),
      now: () => catalogueTime,
    });
  const nonces: Uint8Array[] = [];
  for (const service of [start(), start()])
    for (let i = 0; i < rounds; i++) nonces.push(fromBase64url((await service.begin(request)).nonce));
  assert.ok(nonces.every(({ length }) => length === 32));
  assert.equal(new Set(nonces.map((nonce) => Buffer.from(nonce).toString('hex'))).size, 2 * rounds);
  // Each bit is set in half of them; six standard deviations are missed once in 500 million bits.
  const sixSigma = 6 * Math.sqrt(nonces.length / 4);
  for (let bit = 0; bit < 256; bit++) {
    const set = nonces.filter((nonce) => ((nonce[bit >> 3] ?? 0) >> (bit & 7)) & 1).length;
    assert.ok(Math.abs(set - nonces.length / 2) < sixSigma, `bit ${bit} is set in ${set} of ${nonces.length}`);
  }
});
