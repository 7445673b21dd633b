import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Bench } from './bench.ts';
import { EvidenceSite } from './evidence-site.ts';

/*
 * Records evidence bundles once, for the test that they are judged alike for ever. Never record anew what is committed:
 * a version that judges it otherwise has a defect, or must say why in docs/adr.
 *
 *   node packages/testing/src/attestation/record-bundles.ts FOLDER
 */
const folder = resolve(process.argv[2] ?? '.');
mkdirSync(folder, { recursive: true });
await using bench = await Bench.create();
const good = await bench.addHost('good', 'debian12-uki-a');
const evil = await bench.addHost('evil', 'debian12-uki-b');
await using site = await EvidenceSite.create(bench, good, [evil]);
const { service, configuration } = site;
const write = async (name: string) => writeFileSync(join(folder, `${name}.evidence`), await site.exported());

writeFileSync(join(folder, 'group-ca.pem'), bench.caPem);
const sent = await site.evidenceFor(good);
await service.report(sent);
await write('trusted');
await service.report(sent);
await write('handed-in-twice');
await service.report(await site.evidenceFor(evil));
await write('another-kernel');
await service.report({ ...(await site.evidenceFor(good)), signature: sent.signature });
await write('another-signature');
configuration.putHost({ ...good.record, state: 'revoked' });
await service.report(await site.evidenceFor(good));
await write('revoked');
