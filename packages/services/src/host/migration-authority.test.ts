import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect, createSecureContext, createServer, type TLSSocket } from 'node:tls';
import { newPair } from '@vouchsafe/domain/keys/jwk';
import { checkMigrationCertificate, migrationRules } from '@vouchsafe/domain/keys/migration';
import { testGroup, testTime } from '@vouchsafe/domain/testing/group';
import { problem } from '@vouchsafe/domain/testing/problem';
import { createAuthority, issue } from '@vouchsafe/domain/x509/authority';
import { privateKeyPem } from '@vouchsafe/domain/x509/pem';
import { MigrationAuthority } from './migration-authority.ts';

const now = () => new Date(testTime * 1000);
const until = new Date((testTime + 86_400) * 1000);

test('every member has the same migration CA, since its key follows from that of the group; another group has another', async () => {
  const [ours, theirs] = [await testGroup(), await testGroup()];
  const spki = async (of: typeof ours) => {
    const { caPem } = await MigrationAuthority.under(of.authority, until, now);
    return new X509Certificate(caPem).publicKey.export({ type: 'spki', format: 'der' }).toString('hex');
  };
  assert.equal(await spki(ours), await spki(ours));
  assert.notEqual(await spki(ours), await spki(theirs));
  assert.notEqual(await spki(ours), ours.group.ca.publicKey.export({ type: 'spki', format: 'der' }).toString('hex'));
});

test('what a host refuses of a migration certificate, each for its own reason', async () => {
  const [ours, theirs] = [await testGroup(), await testGroup()];
  const under = (of: typeof ours) => MigrationAuthority.under(of.authority, until, now);
  const [right, wrong] = [await under(ours), await under(theirs)];
  const { publicKey: key } = newPair();
  const expected = { group: ours.group, key, host: 'kvm1', now: testTime };
  const good = { certificate: await right.issue(key, 'kvm1'), ca: right.caPem };
  await checkMigrationCertificate(good, expected);
  const order = { publicKey: key, subject: 'kvm1', sans: { dns: ['kvm1'] }, usages: ['server', 'client'] as const };
  const dates = { notBefore: now(), notAfter: new Date((testTime + 1000) * 1000) };
  const byGroup = await issue({ ...order, ...dates, authority: ours.authority });
  const attacks = {
    'migration.ca': { certificate: await wrong.issue(key, 'kvm1'), ca: wrong.caPem },
    'migration.issuer': { certificate: byGroup, ca: right.caPem },
    'migration.key': { certificate: await right.issue(newPair().publicKey, 'kvm1'), ca: right.caPem },
    'migration.name': { certificate: await right.issue(key, 'kvm2'), ca: right.caPem },
  };
  for (const [rule, attack] of Object.entries(attacks)) {
    await assert.rejects(checkMigrationCertificate(attack, expected), problem('service.untrusted'));
    const presented = {
      leaf: new X509Certificate(attack.certificate),
      ca: new X509Certificate(attack.ca),
      ...expected,
    };
    const refusing = migrationRules.filter(({ whyNot }) => whyNot(presented) !== undefined).map(({ id }) => id);
    assert.deepEqual(refusing, [rule], 'no other rule would have noticed');
  }
  const later = { ...expected, now: testTime - 7200 };
  await assert.rejects(checkMigrationCertificate(good, later), problem('service.untrusted', /too long/));
});

test('a host that trusts the migration CA talks to attested hosts, and to no other holder of a certificate of the group', async (t) => {
  const nowReal = () => new Date();
  const validity = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 86_400_000) };
  const group = await createAuthority({ name: 'group', pathLength: 1, ...validity });
  const authority = await MigrationAuthority.under(group, validity.notAfter, nowReal);
  const [source, destination, part] = [newPair(), newPair(), newPair()];
  // As GnuTLS does, which libvirt and QEMU use: whatever stands in the file of CAs is an anchor.
  const anchors = { ca: authority.caPem, allowPartialTrustChain: true };
  const cert = await authority.issue(destination.publicKey, 'kvm2');
  const secureContext = createSecureContext({ key: privateKeyPem(destination.privateKey), cert, ...anchors });
  const server = createServer({
    SNICallback: (_name, done) => done(null, secureContext),
    requestCert: true,
    rejectUnauthorized: true,
  }).on('tlsClientError', () => undefined);
  server.on('secureConnection', (socket) => void socket.on('error', () => undefined).end('guest memory'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => void server.close());
  const { port } = server.address() as { port: number };
  const says = async (key: typeof source, cert: string): Promise<string> => {
    const socket: TLSSocket = connect({
      port,
      host: '127.0.0.1',
      key: privateKeyPem(key.privateKey),
      cert,
      servername: 'kvm2',
      ...anchors,
    });
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.on('error', () => undefined);
    await once(socket, 'close');
    return text;
  };
  assert.equal(await says(source, await authority.issue(source.publicKey, 'kvm1')), 'guest memory');
  const usages = ['client', 'server'] as const;
  const ofGroup = await issue({
    authority: group,
    publicKey: part.publicKey,
    subject: 'member.ta1',
    usages,
    ...validity,
  });
  assert.equal(await says(part, ofGroup), '');
});
