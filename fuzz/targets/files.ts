import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { parseWanted } from '@vouchsafe/cli/apply';
import { readInventory } from '@vouchsafe/cli/inventory';
import { captureImage, verifyImage } from '@vouchsafe/domain/attestation/capture';
import {
  type CaptureStatement,
  signCaptureStatement,
  verifyCapture,
} from '@vouchsafe/domain/attestation/capture-statement';
import { readImageFile } from '@vouchsafe/domain/attestation/image-file';
import { activeRecord, readImageRecord } from '@vouchsafe/domain/attestation/image-record';
import { signImageFile, verifyImageSignature } from '@vouchsafe/domain/attestation/image-signature';
import { shortfalls } from '@vouchsafe/domain/attestation/minimums';
import { imagePcrs } from '@vouchsafe/domain/attestation/policy';
import { chain, emptyChain, verifyChain } from '@vouchsafe/domain/audit/record';
import { parseJson } from '@vouchsafe/domain/parse';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { initialValue, replay } from '@vouchsafe/eventlog/replay';
import { boot } from '@vouchsafe/eventlog/testing/boot';
import { buildLog } from '@vouchsafe/eventlog/testing/build';
import { parseHostConfig } from '@vouchsafe/services/config/host';
import { problemsOf } from '../problems.ts';
import { now, site } from '../site.ts';
import { bytesOf, json, jsonWords, type MakeTargets, text, wordsOf } from '../target.ts';

const time = new Date(now * 1000);

/** Ed25519 signs alike each time, so that a run can be repeated (RFC 8410, 7: the key is its seed). */
const edKey = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]),
  format: 'der',
  type: 'pkcs8',
});

const config = (group: string): string => `role = "trusted"
name = "host-1"
state = "/var/lib/vouchsafe"
run = "/run/vouchsafe"
listen = "[::1]:8443"
url = "https://host-1"
group = "${group}"

[agent]
tpm = "unix:/run/swtpm"
event_log = "/sys/kernel/security/tpm0/binary_bios_measurements"
`;

const wanted = `attestation:
  settings: {enrolment: approve}
  ca_certificates:
    - {name: maker, files: [root.pem], virtual: true}
  endorsement_keys:
    - name: host-1
      ek: ${'ab'.repeat(32)}
  base_images: [{file: golden.json}]
kms:
  providers:
    - name: demo
      master_key_id: one
      servers: [{name: one, address: {hostname: localhost, port: 5696}}]
      client_certificate: {certificate: a.crt, private_key: a.key}
      server_certificates: [ca.crt]
trusted_infrastructure:
  services:
    - {id: one, address: "https://localhost:8443", trusted_CA: ca.crt, group: ${'A'.repeat(43)}}
`;

function audit(): string {
  let [head, lines] = [emptyChain, ''];
  for (const action of ['part.start', 'host.attest', 'part.stop'] as const) {
    const [actor, target] = [
      { kind: 'part', id: 'attestd' },
      { kind: 'part', id: 'attestd' },
    ];
    const next = chain(head, 'attestd', time, { action, actor, target, outcome: 'success', detail: { n: 1 } });
    head = next.head;
    lines += `${next.line}\n`;
  }
  return lines;
}

const yamlWords = wordsOf(
  '&a ',
  '*a',
  '<<: ',
  '!!js/function ',
  '!!binary ',
  '? ',
  '- ',
  '---\n',
  '%YAML 9.9\n',
  '|\n',
);
const tomlWords = wordsOf(
  '[[agent]]\n',
  '[__proto__]\n',
  'a.b.c = 1\n',
  "'''",
  '"""',
  '1979-05-27',
  'inf',
  '{a=1}',
  '\\u0000',
);

/** Files that people write, and those that they carry from host to host. */
export const make: MakeTargets = async () => {
  const { group, attestd } = await site();
  const log = buildLog(boot, ['sha256']);
  const replayed = replay(decodeLog(log), 'sha256');
  const pcrs = new Map(imagePcrs.map((pcr) => [pcr, replayed.get(pcr) ?? initialValue('sha256', pcr)]));
  const image = captureImage({ name: 'golden', version: '1', eventLog: log, pcrs, now: time });
  const said: CaptureStatement = {
    iss: 'fuzz',
    aud: group.id,
    iat: now,
    ek: 'ab'.repeat(32),
    tpm: 'hardware',
    bank: 'sha256',
    pcrs: image.pcrs,
    event_log: createHash('sha256').update(log).digest('hex'),
  };
  const signed = Buffer.from(json(image));
  const signature = await signImageFile(signed, edKey);
  const key = String(createPublicKey(edKey).export({ type: 'spki', format: 'pem' }));
  const signers = [{ name: 'release', key, by: 'fuzz', since: '' }];
  return [
    {
      name: 'host-config',
      samples: [bytesOf(config(group.id))],
      words: tomlWords,
      run: (bytes) => parseHostConfig(text(bytes)),
      refuses: problemsOf('config.invalid'),
    },
    {
      name: 'apply',
      samples: [bytesOf(wanted)],
      words: yamlWords,
      run: (bytes) => parseWanted(text(bytes), 'wanted.yaml'),
      refuses: problemsOf('config.invalid'),
    },
    {
      name: 'inventory',
      samples: [
        bytesOf(`name,scope,ek,certificate\nkvm1,east,${'ab'.repeat(32)},\n"kvm2",,,"-----BEGIN\n""x"\n`),
        json([{ name: 'kvm1', ek: 'ab'.repeat(32), link: true }]),
        bytesOf(`{"name":"kvm1","scope":"east","ek":"${'ab'.repeat(32)}"}\n{"name":"kvm2","public_key":"x"}\n`),
      ],
      words: [...jsonWords, ...wordsOf('"', '""', ',', '\n', '\r\n', '\ufeff', 'name,ek\n')],
      run: (bytes) => readInventory(text(bytes), 'inventory'),
      refuses: problemsOf('input.malformed', 'input.invalid', 'input.too-large'),
    },
    {
      name: 'audit',
      samples: [bytesOf(audit())],
      words: [...jsonWords, ...wordsOf('\n', '\n\n')],
      run: (bytes) => verifyChain(text(bytes).split('\n').slice(0, -1)),
      refuses: problemsOf('audit.broken'),
    },
    {
      name: 'base-image',
      samples: [json(image), json({ v: 2, image, capture: 'a.b.c' })],
      words: jsonWords,
      run(bytes) {
        const { image } = readImageFile('base image', bytes);
        verifyImage(image);
        shortfalls(image, { sbat: { shim: 1 }, kernel: '6.1', dbx: { name: 'x', entries: ['00'.repeat(32)] } });
      },
      refuses: problemsOf('input.malformed', 'input.invalid'),
    },
    {
      name: 'image-record',
      samples: [json(image), json(activeRecord(image))],
      words: jsonWords,
      run: (bytes) => readImageRecord(parseJson('record', text(bytes))),
      refuses: problemsOf('input.malformed', 'input.invalid'),
    },
    {
      name: 'image-signature',
      samples: [bytesOf(signature), bytesOf(signature.replace('..', `.${signed.toString('base64url')}.`))],
      words: wordsOf('.', '..', 'e30', '='),
      run: (bytes) => verifyImageSignature(signed, text(bytes), signers),
      refuses: problemsOf('image.untrusted'),
    },
    {
      name: 'capture-statement',
      samples: [bytesOf(await signCaptureStatement(attestd.key, attestd.certificate, said))],
      words: [...jsonWords, ...wordsOf('.', '..')],
      run: (bytes) => verifyCapture(text(bytes), image, group, now),
      refuses: problemsOf('image.untrusted'),
    },
    {
      name: 'json',
      samples: [json(image), json([[[1, 'a"\\', { '': null, a: true }]], '\u2028', 1e300])],
      words: jsonWords,
      run(bytes) {
        const value = parseJson('json', text(bytes));
        if (JSON.stringify(value) !== JSON.stringify(JSON.parse(text(bytes))))
          throw new Error('read as something else');
      },
      refuses: problemsOf('input.malformed'),
    },
  ];
};
