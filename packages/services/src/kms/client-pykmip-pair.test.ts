import test from 'node:test';
import { loadOptions, surviveKills } from './testing/pair-load.ts';
import { pykmipPair, withoutPykmip } from './testing/pykmip-server.ts';

test('two PyKMIP servers on one database, killed in turn under load: no key lost, none doubled, none mistaken', {
  skip: withoutPykmip,
}, async (t) => {
  const pair = await pykmipPair();
  t.after(pair.close);
  const client = await pair.client('load', loadOptions);
  t.after(() => client.close());
  await surviveKills(t, client, pair);
});
