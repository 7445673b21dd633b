import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, fromHex, hex } from '@vouchsafe/bytes/hex';
import { createPrimary } from './commands/create-primary.ts';
import { handlesFrom } from './commands/get-capability.ts';
import { getRandom } from './commands/get-random.ts';
import { load } from './commands/load.ts';
import { nvRead } from './commands/nv-read.ts';
import { pcrExtend } from './commands/pcr-extend.ts';
import { readClock } from './commands/read-clock.ts';
import { readPublic } from './commands/read-public.ts';
import { startup } from './commands/startup.ts';
import { hierarchy } from './entity.ts';
import { nameOf } from './name.ts';
import { encodePublic } from './public.ts';
import { isResponse } from './response-error.ts';
import { storageRoot } from './storage-template.ts';
import { scripted } from './testing/scripted.ts';
import { Swtpm, withoutSwtpm } from './testing/swtpm.ts';
import { Tpm } from './tpm.ts';

const refusal = (rc: string) => `80010000000a${rc.padStart(8, '0')}`;
const random = '80010000000e00000000' + '0002abcd';
/** A response: tag, size, success, body. */
const message = (tag: string, body: string) => `${tag}${wide(10 + body.length / 2)}00000000${body}`;
const wide = (value: number) => value.toString(16).padStart(8, '0');
const code = (command: Uint8Array | undefined) => command && Buffer.from(command).readUInt32BE(6);

test('a command is sent again while the TPM asks for it', async () => {
  const waits: number[] = [];
  const transport = scripted(refusal('922'), refusal('908'), refusal('90a'), random);
  const tpm = new Tpm(transport, { wait: (ms) => Promise.resolve(waits.push(ms)) });
  assert.deepEqual(await getRandom(tpm, 2), fromHex('abcd'));
  assert.deepEqual(waits, [10, 20, 40]);
  assert.equal(new Set(transport.sent.map((bytes) => Buffer.from(bytes).toString('hex'))).size, 1);
});

test('a TPM that never stops asking is given up', async () => {
  const tpm = new Tpm(scripted(...Array<string>(11).fill(refusal('922'))), { wait: () => Promise.resolve() });
  await assert.rejects(getRandom(tpm, 2), (error) => isResponse(error, 'TPM_RC_RETRY'));
});

test('other refusals are not tried again', async () => {
  const transport = scripted(refusal('921'));
  await assert.rejects(getRandom(new Tpm(transport), 2), { rcName: 'TPM_RC_LOCKOUT', command: 'TPM2_GetRandom' });
  assert.equal(transport.sent.length, 1);
});

test('an error does not stop the commands behind it', async () => {
  const tpm = new Tpm(scripted(refusal('921'), random));
  const [first, second] = await Promise.allSettled([getRandom(tpm, 2), getRandom(tpm, 2)]);
  assert.deepEqual([first.status, second.status], ['rejected', 'fulfilled']);
});

test('what was made is flushed when the rest of the answer is not to be believed', async () => {
  const handle = '80000001';
  // CreatePrimary's answer with a handle, then rubbish in the place of its parameters.
  const transport = scripted(`800200000014${'00000000'}${handle}${'00000000'}ffff`, refusal('0'));
  await assert.rejects(createPrimary(new Tpm(transport), 'owner', storageRoot));
  assert.equal(code(transport.sent[1]), 0x165);
  assert.deepEqual(transport.sent[1]?.slice(10), fromHex(handle));
});

test('answers that are no answers are refused', async () => {
  const table: [string, string, RegExp][] = [
    ['nothing', '', /^response\.tag: need 2 bytes, 0 left/],
    ['half a header', '80010000', /^response\.size: need 4 bytes/],
    ['a false size', '80010000000f000000000002abcd', /says 15 bytes, 14 came/],
    ['a false tag', '80030000000e000000000002abcd', /tag is 0x8003/],
    ['sessions without any', '800200000014000000000000000200020001', /says 20 bytes|tag is 0x8002/],
    ['bytes left over', '80010000000f000000000002abcd00', /TPM2_GetRandom response: 1 bytes too many/],
    ['bytes missing', '80010000000d000000000002ab', /randomBytes: need 2 bytes, 1 left/],
    ['more than was asked for', `80010000004e000000000042${'00'.repeat(66)}`, /randomBytes: 66 bytes, limit 64/],
  ];
  for (const [what, answer, said] of table)
    await assert.rejects(getRandom(new Tpm(scripted(answer)), 2), { message: said }, what);
});

test('answers whose authorizations are not those of the command are refused', async () => {
  const good = `${'00000000'}${'0000'}01${'0000'}`; // parameterSize, nonce, sessionAttributes, hmac
  const answer = (body: string, tag = '8002') => message(tag, body);
  const extend = (response: string) => pcrExtend(new Tpm(scripted(response)), 8, []);
  await extend(answer(good));
  const table: [string, string, RegExp][] = [
    ['no sessions tag', answer(good, '8001'), /tag is 0x8001/],
    ['no session', answer('00000000'), /0 sessions, expected 1/],
    ['two sessions', answer(good + good.slice(8)), /2 sessions, expected 1/],
    ['a nonce', answer(`${'00000000'}0001ff01${'0000'}`), /has a nonce or an HMAC/],
    ['an HMAC', answer(`${'00000000'}${'0000'}010001ff`), /has a nonce or an HMAC/],
    ['parameters beyond the end', answer(`000000ff${'0000'}01${'0000'}`), /parameters: need 255 bytes/],
  ];
  for (const [what, response, said] of table) await assert.rejects(extend(response), { message: said }, what);
});

test('a Name that is not that of the public area is refused, and what has it is flushed', async () => {
  const area = encodePublic(storageRoot);
  const sized = (bytes: Uint8Array) => bytes.length.toString(16).padStart(4, '0') + hex(bytes);
  const name = nameOf(area);
  const read = (claimed: Uint8Array) => message('8001', sized(area) + sized(claimed) + sized(claimed));
  assert.deepEqual((await readPublic(new Tpm(scripted(read(name))), 0x81000001)).name, name);
  await assert.rejects(readPublic(new Tpm(scripted(read(new Uint8Array(34)))), 0x81000001), { code: 'answer' });
  const loaded = message('8002', `80000002${'00000024'}${sized(new Uint8Array(34))}${'0000'}01${'0000'}`);
  const transport = scripted(loaded, refusal('0'));
  const created = { privateArea: new Uint8Array(4), publicArea: area };
  await assert.rejects(load(new Tpm(transport), hierarchy('owner'), created), { code: 'answer', message: /Name/ });
  assert.deepEqual(transport.sent[1]?.slice(10), fromHex('80000002'));
});

test('less of an NV index than was asked for is refused', async () => {
  const publicArea = `000e01c00002000b${'00020002'}00000004${'0022'}${'00'.repeat(34)}`;
  const read = (data: string) =>
    message('8002', `${wide(2 + data.length / 2)}${wide(data.length / 2).slice(4)}${data}${'0000'}01${'0000'}`);
  const nv = (data: string) => nvRead(new Tpm(scripted(message('8001', publicArea), read(data))), 0x01c00002);
  assert.deepEqual(await nv('01020304'), fromHex('01020304'));
  await assert.rejects(nv('010203'), { code: 'answer', message: 'TPM2_NV_Read: 3 bytes came, 4 were asked for' });
});

test('a bare TPM has three slots, and disposal gives them back', { skip: withoutSwtpm }, async () => {
  await using swtpm = await Swtpm.start();
  await using tpm = await swtpm.connect();
  const make = () => createPrimary(tpm, 'owner', storageRoot);
  {
    await using _first = await make();
    await using _second = await make();
    await using third = await make();
    await assert.rejects(make(), (error) => isResponse(error, 'TPM_RC_OBJECT_MEMORY'));
    await third[Symbol.asyncDispose]();
    await using _again = await make();
  }
  assert.deepEqual(await handlesFrom(tpm, 0x80000000), []);
});

test('a reset counts, and TPM2_Startup comes after it', { skip: withoutSwtpm }, async () => {
  await using swtpm = await Swtpm.start();
  await using tpm = await swtpm.connect();
  const before = await readClock(tpm);
  await swtpm.control.reset();
  await assert.rejects(getRandom(tpm, 1), (error) => isResponse(error, 'TPM_RC_INITIALIZE'));
  await startup(tpm);
  await startup(tpm);
  const after = await readClock(tpm);
  assert.equal(after.clockInfo.resetCount, before.clockInfo.resetCount + 1);
  assert.ok(concat(await getRandom(tpm, 4)).length === 4);
});
