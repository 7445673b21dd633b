import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { kmsFixture } from './testing/fixture.ts';
import { withoutPykmip } from './testing/pykmip-server.ts';

const script = fileURLToPath(new URL('./testing/pykmip-client.py', import.meta.url));

test("PyKMIP's client does all that it can on the embedded key server, in every version that it speaks", {
  skip: withoutPykmip,
}, async (t) => {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const files = await fixture.addClient('pykmip');
  for (const version of ['KMIP_1_0', 'KMIP_1_1', 'KMIP_1_2', 'KMIP_1_3', 'KMIP_1_4', 'KMIP_2_0']) {
    const args = [fixture.kms.address.port, files.certificate, files.key, files.authority, version].map(String);
    const { stdout } = await promisify(execFile)('/usr/bin/python3', [script, ...args]);
    assert.equal(stdout, 'done\n', version);
  }
});
