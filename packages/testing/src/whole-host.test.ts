import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { hex } from '@vouchsafe/bytes/hex';
import { decodeImaLog } from '@vouchsafe/eventlog/ima/log';
import { replayIma } from '@vouchsafe/eventlog/ima/replay';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { replay } from '@vouchsafe/eventlog/replay';
import { missingPackages } from './debian.ts';
import { TpmAuthority } from './tpm-authority.ts';
import { WholeHost, wholeHostCommandLine } from './whole-host.ts';
import { Workdir } from './workdir.ts';

const missing = await missingPackages('e2e');
const skip = missing.length > 0 ? `not installed: ${missing.join(', ')}` : false;

/** Reads a PCR through the kernel's resource manager by a command of its own and sends all that the kernel has. */
const program = `
const fs = require('node:fs');
const tpm = fs.openSync('/dev/tpmrm0', 'r+');
fs.writeSync(tpm, Buffer.from('80010000000c0000014400' + '00', 'hex'));
const answer = Buffer.alloc(4096);
const size = fs.readSync(tpm, answer);
const pcrs = {};
for (let i = 0; i < 24; i++) pcrs[i] = fs.readFileSync('/sys/class/tpm/tpm0/pcr-sha256/' + i, 'utf8').trim();
const body = JSON.stringify({
  pcrs,
  startup: answer.subarray(0, size).toString('hex'),
  eventLog: fs.readFileSync('/sys/kernel/security/tpm0/binary_bios_measurements').toString('base64'),
  imaLog: fs.readFileSync('/sys/kernel/security/ima/binary_runtime_measurements').toString('base64'),
});
fetch(process.argv[2], { method: 'POST', body }).then(() => process.exit(5));
`;

interface Report {
  readonly pcrs: Record<string, string>;
  readonly startup: string;
  readonly eventLog: string;
  readonly imaLog: string;
}

test('a whole host boots, is measured, and its program reaches this machine', { skip }, async () => {
  await using work = await Workdir.create('whole');
  const authority = await TpmAuthority.create(work.file('ca'));
  await authority.manufacture({ state: work.file('tpm'), name: 'whole.example.test' });
  await writeFile(work.file('program.cjs'), program);
  const reports: Report[] = [];
  await using server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    reports.push(JSON.parse(Buffer.concat(chunks).toString()));
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await using host = await WholeHost.boot({
    folder: work.path,
    tpmState: work.file('tpm'),
    executable: process.execPath,
    args: ['/opt/program.cjs', `http://10.0.2.2:${(server.address() as AddressInfo).port}/`],
    files: { '/opt/program.cjs': work.file('program.cjs') },
    appendCommandLine: 'example.word=1',
  });
  assert.equal(await host.ended(180_000), 5);
  const report = reports[0]!;
  assert.equal(report.startup.slice(12), '00000100', 'TPM_RC_INITIALIZE: the firmware started this TPM');
  const log = decodeLog(Buffer.from(report.eventLog, 'base64'));
  const files = decodeImaLog(Buffer.from(report.imaLog, 'base64'));
  const replayed = new Map([...replay(log, 'sha256'), ...replayIma(files, 'sha256')]);
  assert.ok([0, 4, 7, 9, 10, 11].every((pcr) => replayed.has(pcr)));
  for (const [pcr, value] of replayed) assert.equal(hex(value), report.pcrs[pcr]!.toLowerCase(), `PCR ${pcr}`);
  assert.ok(
    files.some(({ fields }) => fields.name?.endsWith('/opt/node')),
    'IMA measured the program',
  );
  const commandLine = Buffer.from(`${wholeHostCommandLine} example.word=1\0`, 'utf16le');
  const measured = createHash('sha256').update(commandLine).digest('hex');
  assert.ok(
    log.events.some(({ pcr, digests }) => pcr === 9 && hex(digests.sha256!) === measured),
    'PCR 9 holds the command line as the kernel got it',
  );
});
