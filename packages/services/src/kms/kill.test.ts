import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { kmsLayout, makeKmsFolders } from './layout.ts';
import { killCampaign } from './testing/kill-campaign.ts';
import { startPostgres, withoutPostgres } from './testing/postgres.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'kms-kill-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return join(path, 'data');
}

test('SQLite: a key server that is killed loses, doubles and mistakes no key that it acknowledged', async (t) => {
  const result = await killCampaign({ dataDir: folder(t), changes: 120, kills: 2, seed: 1 });
  assert.ok(result.acknowledged >= 120);
  assert.equal(result.kills, 2);
});

test('PostgreSQL: nor when the database is killed, too', { skip: withoutPostgres }, async (t) => {
  const postgres = await startPostgres();
  t.after(postgres.close);
  const layout = kmsLayout(folder(t));
  makeKmsFolders(layout);
  const { host, port, user } = postgres.connection;
  writeFileSync(
    layout.config,
    `postgres = { host = "${host}", port = ${port}, database = "${await postgres.database()}", user = "${user}" }`,
  );
  const result = await killCampaign({ dataDir: layout.dataDir, changes: 60, kills: 2, seed: 2, postgres });
  assert.ok(result.acknowledged >= 60);
});
