import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { parsePrivateKey } from '@vouchsafe/domain/x509/pem';
import { kmipClient } from '@vouchsafe/kmip/client/client';
import { addKmsClient } from '@vouchsafe/services/kms/clients';
import { kmsLayout, makeKmsFolders } from '@vouchsafe/services/kms/layout';
import { loadOptions, surviveKills } from '@vouchsafe/services/kms/testing/pair-load';
import { startPostgres, withoutPostgres } from '@vouchsafe/services/kms/testing/postgres';
import { Daemon } from './daemon.ts';
import { freePort } from './loopback.ts';
import { vouchsafe } from './site/program.ts';
import { until } from './wait.ts';

test('two key servers on one PostgreSQL, killed in turn under load: no key lost, none doubled, none mistaken', {
  skip: withoutPostgres,
}, async (t) => {
  const postgres = await startPostgres();
  t.after(() => postgres.close());
  const folder = mkdtempSync(join(tmpdir(), 'kms-pair-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = `[postgres]
host = "127.0.0.1"
port = ${postgres.port}
database = "${await postgres.database()}"
user = "postgres"
password_file = "${postgres.passwordFile}"
`;
  const layouts = ['one', 'two'].map((name) => {
    mkdirSync(join(folder, name), { mode: 0o700 });
    const layout = kmsLayout(join(folder, name));
    makeKmsFolders(layout);
    writeFileSync(layout.config, config);
    return layout;
  }) as [ReturnType<typeof kmsLayout>, ReturnType<typeof kmsLayout>];
  const [one, two] = layouts;
  const files = await addKmsClient({ dataDir: one.dataDir, name: 'load', outDir: join(folder, 'client') });
  for (const name of ['rootKey', 'storeKey'] as const) copyFileSync(one[name], two[name]);
  cpSync(one.authority.folder, two.authority.folder, { recursive: true });

  const ports = [await freePort(), await freePort()] as const;
  const daemons: [Daemon?, Daemon?] = [];
  t.after(() => Promise.all(daemons.map((daemon) => daemon?.kill())));
  let starts = 0;
  const start = async (which: 0 | 1) => {
    const [log, listen] = [join(folder, `${starts++}.log`), `127.0.0.1:${ports[which]}`];
    const argv = vouchsafe('serve', 'kms', '--data', layouts[which].dataDir, '--listen', listen);
    const daemon = await Daemon.start(argv, { name: 'key server', log });
    daemons[which] = daemon;
    await until('key server', 30_000, async () => {
      await daemon.mustRun();
      return readFileSync(log, 'utf8').includes('listening') || undefined;
    });
  };
  await start(0);
  await start(1);
  const [first, second] = ports.map((port) => ({
    host: '127.0.0.1',
    port,
    trust: { ca: readFileSync(files.authority, 'utf8') },
  }));
  assert.ok(first !== undefined && second !== undefined);
  const client = kmipClient({
    servers: [first, second],
    certificate: readFileSync(files.certificate, 'utf8'),
    key: parsePrivateKey(readFileSync(files.key)),
    ...loadOptions,
  });
  t.after(() => client.close());
  await surviveKills(t, client, { start, kill: async (which) => daemons[which]?.kill() });
});
