import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problem } from '@vouchsafe/domain/testing/problem';
import { parseHostConfig } from '../config/host.ts';
import { testPart } from '../management/testing/part.ts';
import { HostAuthority } from './authority.ts';

test('a CA stays what it is; without its key it is not made anew behind the back of those who believe it', async (t) => {
  const part = testPart();
  t.after(() => part.close());
  const lines = ['role = "trust-authority"', 'name = "ta"', 'state = "/s"', 'run = "/r"', 'listen = "127.0.0.1:1"'];
  const config = parseHostConfig(lines.join('\n'));
  const { group } = await HostAuthority.open(config, part.store);
  assert.equal((await HostAuthority.open(config, part.store)).group, group);
  part.store.deleteSecret('authority-key');
  await assert.rejects(HostAuthority.open(config, part.store), problem('file.unreadable', /authority-key: .* backup/));
});
