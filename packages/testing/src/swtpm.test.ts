import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { pcrExtend } from '@vouchsafe/tpm2/commands/pcr-extend';
import { pcrRead } from '@vouchsafe/tpm2/commands/pcr-read';
import { startup } from '@vouchsafe/tpm2/commands/startup';
import { Tpm } from '@vouchsafe/tpm2/tpm';
import { SocketTransport } from '@vouchsafe/tpm2/transport/socket';
import { Swtpm } from './swtpm.ts';
import { idOf, separation } from './system-user.ts';
import { TpmAuthority } from './tpm-authority.ts';
import { Workdir } from './workdir.ts';

describe('TPMs of one maker', { skip: process.getuid?.() === 0 ? false : 'needs root' }, () => {
  let work: Workdir;
  let authority: TpmAuthority;

  before(async () => {
    work = await Workdir.create('tpms');
    authority = await TpmAuthority.create(work.file('ca'));
    // at once: the maker has to number its certificates all the same
    await Promise.all([1, 2].map((n) => authority.manufacture({ state: work.file(`tpm${n}`), name: `host${n}` })));
  });

  after(() => work?.[Symbol.asyncDispose]());

  test('the maker shows a root and an issuer under it', async () => {
    const pems = (await authority.certificates()).split(/(?<=-----END CERTIFICATE-----\n)/);
    const [root, issuer] = pems.map((pem) => new X509Certificate(pem));
    assert.equal(pems.length, 2);
    assert.ok(root!.verify(root!.publicKey) && issuer!.verify(root!.publicKey));
  });

  test('only root and the group may reach the socket', async () => {
    await using tpm = await Swtpm.start({ state: work.file('tpm1'), group: separation.tpmGroup });
    const { mode, uid, gid } = await stat(tpm.socket);
    assert.deepEqual([mode & 0o777, uid, gid], [0o660, 0, await idOf('group', separation.tpmGroup)]);
  });

  test('a reboot resets PCRs', async () => {
    await using swtpm = await Swtpm.start({ state: work.file('tpm2') });
    await using tpm = new Tpm(await SocketTransport.open({ path: swtpm.socket }));
    const zeros = new Uint8Array(32);
    const read = async () => (await pcrRead(tpm, 'sha256', [8])).get(8);
    await pcrExtend(tpm, 8, [{ hashAlg: 'sha256', digest: zeros.fill(1) }]);
    assert.notDeepEqual(await read(), new Uint8Array(32));
    await swtpm.reboot();
    await startup(tpm);
    assert.deepEqual(await read(), new Uint8Array(32));
  });
});
