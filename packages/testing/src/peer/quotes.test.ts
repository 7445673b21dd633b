import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { concat, hex } from '@vouchsafe/bytes/hex';
import type { AkType } from '@vouchsafe/tpm2/ak-template';
import { type HashName, hashes } from '@vouchsafe/tpm2/algorithms';
import { decodeAttest, quoteInfoOf } from '@vouchsafe/tpm2/attest';
import { pcrExtend } from '@vouchsafe/tpm2/commands/pcr-extend';
import { pcrRead } from '@vouchsafe/tpm2/commands/pcr-read';
import { quote } from '@vouchsafe/tpm2/commands/quote';
import { createAk } from '@vouchsafe/tpm2/create-ak';
import { decodePublic, type TpmtPublic } from '@vouchsafe/tpm2/public';
import { spkiOf } from '@vouchsafe/tpm2/public-key';
import type { PcrValues } from '@vouchsafe/tpm2/quote-digest';
import { extraDataFault, magicFault, pcrDigestFault, typeFault } from '@vouchsafe/tpm2/quote-faults';
import { decodeSignature } from '@vouchsafe/tpm2/signature';
import { signatureFault } from '@vouchsafe/tpm2/signature-fault';
import { signingSchemeOf } from '@vouchsafe/tpm2/signing-scheme';
import { Swtpm, withoutTools } from '@vouchsafe/tpm2/testing/swtpm';
import { Workdir } from '../workdir.ts';

const run = promisify(execFile);

/** A quote with all that a verifier needs to judge it. */
interface Case {
  readonly what: string;
  readonly area: TpmtPublic;
  readonly attest: Uint8Array;
  readonly signature: Uint8Array;
  readonly qualification: Uint8Array;
  readonly bank: HashName;
  readonly pcrs: readonly number[];
  readonly values: ReadonlyMap<number, Uint8Array>;
}

const selections: readonly (readonly [HashName, readonly number[]])[] = [
  ['sha256', [0]],
  ['sha256', [0, 1, 2, 3, 4, 5, 6, 7]],
  ['sha256', [0, 7, 16, 23]],
  ['sha1', [0, 1, 2]],
  ['sha384', [4, 7, 8, 9]],
  ['sha512', [10, 23]],
];

const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
  const place = at < 0 ? bytes.length + at : at;
  return bytes.with(place, (bytes[place] ?? 0) ^ 1);
};

/** What is changed of each quote, nothing first. */
const changes: readonly (readonly [string, (honest: Case) => Partial<Case>])[] = [
  ['nothing', () => ({})],
  ['the qualification', ({ qualification }) => ({ qualification: flipped(qualification, 0) })],
  ['the first byte of the magic', ({ attest }) => ({ attest: flipped(attest, 0) })],
  ['the last byte of the quote', ({ attest }) => ({ attest: flipped(attest, -1) })],
  ['a byte of the clock', ({ attest }) => ({ attest: flipped(attest, 50) })],
  ['the last byte of the signature', ({ signature }) => ({ signature: flipped(signature, -1) })],
  [
    'a PCR value',
    ({ values, pcrs }) => ({
      values: new Map(values).set(pcrs[0] ?? 0, flipped(values.get(pcrs[0] ?? 0) ?? new Uint8Array(1), 0)),
    }),
  ],
  ['two PCR values change places', ({ values, pcrs }) => ({ values: exchanged(values, pcrs) })],
];

function exchanged(values: ReadonlyMap<number, Uint8Array>, pcrs: readonly number[]): Map<number, Uint8Array> {
  const [first = 0, last = 0] = [pcrs[0], pcrs.at(-1)];
  return new Map(values)
    .set(first, values.get(last) ?? new Uint8Array())
    .set(last, values.get(first) ?? new Uint8Array());
}

test('tpm2_checkquote and the checks of this project judge alike', { skip: withoutTools }, async () => {
  await using work = await Workdir.create('peer-quotes');
  const found: [boolean, boolean, string][] = [];
  for (const honest of await quotes()) {
    for (const [what, change] of changes) {
      const each = { ...honest, ...change(honest), what: `${honest.what}, changed: ${what}` };
      found.push([await theirs(work, each), ours(each), each.what]);
    }
  }
  assert.deepEqual(
    found.filter(([their, our]) => their !== our),
    [],
    'judged otherwise',
  );
  const accepted = found.filter(([, our]) => our).length;
  assert.ok(found.length >= 90 && accepted >= 12, `${found.length} quotes, ${accepted} of them accepted`);
});

/** Quotes of a real TPM, by both kinds of keys, over banks and PCRs that hold something. */
async function quotes(): Promise<Case[]> {
  await using swtpm = await Swtpm.start();
  await using tpm = await swtpm.connect();
  const extended = [0, 1, 2, 4, 7, 8, 9, 10, 16, 23];
  const banks = ['sha1', 'sha256', 'sha384', 'sha512'] as const;
  for (const pcr of extended)
    await pcrExtend(
      tpm,
      pcr,
      banks.map((hashAlg) => ({ hashAlg, digest: new Uint8Array(hashes[hashAlg].size).fill(pcr + 1) })),
    );
  const made: Case[] = [];
  for (const type of ['ecc', 'rsa'] satisfies AkType[]) {
    await using ak = await createAk(tpm, { type });
    for (const [bank, pcrs] of selections) {
      const qualification = new Uint8Array(20).fill(made.length + 1);
      const signed = await quote(tpm, ak, qualification, [{ hash: bank, pcrSelect: [...pcrs] }]);
      const values = await pcrRead(tpm, bank, pcrs);
      made.push({
        what: `${type} ${bank}:${pcrs}`,
        area: decodePublic(ak.publicArea),
        ...signed,
        qualification,
        bank,
        pcrs,
        values,
      });
    }
  }
  return made;
}

function ours({ area, attest, signature, qualification, bank, values }: Case): boolean {
  try {
    if (signatureFault(attest, decodeSignature(signature), area) !== undefined) return false;
    const frame = decodeAttest(attest);
    if (magicFault(frame) ?? typeFault(frame) ?? extraDataFault(frame, qualification)) return false;
    const given: PcrValues = { [bank]: values };
    return pcrDigestFault(quoteInfoOf(frame), given, signingSchemeOf(area).hash) === undefined;
  } catch {
    return false;
  }
}

async function theirs(
  work: Workdir,
  { area, attest, signature, qualification, bank, pcrs, values }: Case,
): Promise<boolean> {
  const pem = `-----BEGIN PUBLIC KEY-----\n${Buffer.from(spkiOf(area)).toString('base64').replace(/.{64}/g, '$&\n')}\n-----END PUBLIC KEY-----\n`;
  const files = { 'ak.pem': pem, 'quote.msg': attest, 'quote.sig': signature, pcrs: pcrFile(bank, pcrs, values) };
  for (const [name, content] of Object.entries(files)) await writeFile(work.file(name), content);
  const args = ['-u', 'ak.pem', '-m', 'quote.msg', '-s', 'quote.sig', '-g', 'sha256', '-q', hex(qualification)];
  try {
    await run('tpm2_checkquote', [...args, '-f', 'pcrs'], { cwd: work.path, timeout: 30_000 });
    return true;
  } catch {
    return false;
  }
}

/**
 * PCR values as `tpm2_quote -o` writes them: TPML_PCR_SELECTION of 16 banks with four bytes of selection each, then the
 * number of TPML_DIGEST and these, eight digests of 64 bytes each, all as they lie in memory.
 */
function pcrFile(bank: HashName, pcrs: readonly number[], values: Case['values']): Uint8Array {
  const selection = Buffer.alloc(4 + 16 * 8);
  selection.writeUInt32LE(1, 0);
  selection.writeUInt16LE(hashes[bank].id, 4);
  selection[6] = 3;
  for (const pcr of pcrs) selection[7 + (pcr >> 3)]! |= 1 << (pcr & 7);
  const digests = Buffer.alloc(4 + 4 + 8 * 66);
  digests.writeUInt32LE(1, 0);
  digests.writeUInt32LE(pcrs.length, 4);
  for (const [i, pcr] of pcrs.entries()) {
    const value = values.get(pcr) ?? new Uint8Array();
    digests.writeUInt16LE(value.length, 8 + 66 * i);
    digests.set(value, 10 + 66 * i);
  }
  return concat(selection, digests);
}
