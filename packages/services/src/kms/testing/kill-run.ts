/**
 * Kills the key server, and PostgreSQL when it keeps the keys, while keys are made and rotated. Prints JSON.
 *
 *     node packages/services/src/kms/testing/kill-run.ts [--changes 10000] [--kills 20] [--seed 1] [--postgres]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { kmsLayout, makeKmsFolders } from '../layout.ts';
import { killCampaign } from './kill-campaign.ts';
import { startPostgres } from './postgres.ts';

const { values } = parseArgs({
  options: {
    changes: { type: 'string', default: '10000' },
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    postgres: { type: 'boolean', default: false },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'kms-kill-'));
const postgres = values.postgres ? await startPostgres() : undefined;
try {
  const layout = kmsLayout(join(folder, 'data'));
  makeKmsFolders(layout);
  if (postgres !== undefined) {
    const { host, port, user } = postgres.connection;
    const database = await postgres.database();
    writeFileSync(
      layout.config,
      `postgres = { host = "${host}", port = ${port}, database = "${database}", user = "${user}" }`,
    );
  }
  const [changes, kills, seed] = [Number(values.changes), Number(values.kills), Number(values.seed)];
  const result = await killCampaign({
    dataDir: layout.dataDir,
    changes,
    kills,
    seed,
    ...(postgres === undefined ? {} : { postgres }),
  });
  process.stdout.write(
    `${JSON.stringify({ store: postgres === undefined ? 'SQLite' : 'PostgreSQL', seed, ...result })}\n`,
  );
} finally {
  await postgres?.close();
  rmSync(folder, { recursive: true, force: true });
}
