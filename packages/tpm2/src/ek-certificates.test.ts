import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { hex } from '@vouchsafe/bytes/hex';
import { createEk, persistentEks } from './create-ek.ts';
import { ekCertificates, issuerCertificates } from './ek-certificates.ts';
import { decodePublic } from './public.ts';
import { spkiOf } from './public-key.ts';
import { installed, Swtpm, withoutSwtpm, withoutTools } from './testing/swtpm.ts';
import { file, tool } from './testing/tools.ts';

const run = promisify(execFile);
const skip = withoutSwtpm || (installed('swtpm_localca') ? false : 'swtpm-tools are not installed');

/** Makes a TPM with an authority of its own, whose files stay in the TPM's folder. */
async function manufacture(folder: string): Promise<void> {
  const at = (name: string) => join(folder, name);
  const localca = ['statedir', 'signingkey', 'issuercert', 'certserial'].map(
    (key) => `${key} = ${key === 'statedir' ? folder : at(key)}`,
  );
  await writeFile(at('localca.conf'), `${localca.join('\n')}\n`);
  await writeFile(
    at('localca.options'),
    '--platform-manufacturer Example\n--platform-version 1\n--platform-model One\n',
  );
  const setup = `create_certs_tool=/usr/bin/swtpm_localca
create_certs_tool_config=${at('localca.conf')}
create_certs_tool_options=${at('localca.options')}
`;
  await writeFile(at('setup.conf'), setup);
  const options = [
    '--tpm2',
    '--tpmstate',
    folder,
    '--config',
    at('setup.conf'),
    '--create-ek-cert',
    '--vmid',
    'host.example',
  ];
  await run('swtpm_setup', [...options, '--pcr-banks', 'sha256', '--overwrite'], { cwd: folder });
}

test('EK certificates are found in NV and certify the keys of their templates', { skip }, async () => {
  await using swtpm = await Swtpm.start('unix', manufacture);
  await using tpm = await swtpm.connect();
  const certificates = await ekCertificates(tpm);
  assert.deepEqual(
    certificates.map(({ template, nvIndex }) => [template.name, nvIndex]),
    [
      ['H-3', 0x01c00016],
      ['L-1', 0x01c00002],
    ],
  );
  for (const { template, der } of certificates) {
    const certified = new X509Certificate(der).publicKey.export({ type: 'spki', format: 'der' });
    await using ek = await createEk(tpm, template.name);
    assert.equal(hex(spkiOf(decodePublic(ek.publicArea))), hex(certified), template.name);
  }
  const persistent = await persistentEks(tpm);
  assert.deepEqual(
    persistent.map(({ handle, template }) => [handle, template]),
    [
      [0x81010001, 'L-1'],
      [0x81010016, 'H-3'],
    ],
  );
  assert.deepEqual(await issuerCertificates(tpm), []);
});

test('a TPM without certificates has none', { skip: withoutSwtpm }, async () => {
  await using swtpm = await Swtpm.start();
  await using tpm = await swtpm.connect();
  assert.deepEqual(await ekCertificates(tpm), []);
  assert.deepEqual(await persistentEks(tpm), []);
});

test('certificates of the issuers are read, whoever may read their indices', { skip: withoutTools }, async () => {
  await using swtpm = await Swtpm.start();
  const issuers = [new Uint8Array(1_200).fill(1), new Uint8Array(700).fill(2)];
  for (const [i, bytes] of issuers.entries()) {
    const index = `0x1c0010${i}`;
    await writeFile(file(swtpm, 'issuer'), bytes);
    const attributes = i === 0 ? 'ownerwrite|ownerread|authread' : 'ownerwrite|authread';
    await tool(swtpm, 'tpm2_nvdefine', '-C', 'o', index, '-s', String(bytes.length), '-a', attributes);
    await tool(swtpm, 'tpm2_nvwrite', '-C', 'o', index, '-i', 'issuer');
  }
  await using tpm = await swtpm.connect();
  assert.deepEqual(await issuerCertificates(tpm), issuers);
  assert.deepEqual(await ekCertificates(tpm), []);
});
