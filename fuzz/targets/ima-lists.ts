import { concat } from '@vouchsafe/bytes/hex';
import { AllowList } from '@vouchsafe/domain/attestation/ima/allow-list';
import { readExcludes } from '@vouchsafe/domain/attestation/ima/exclude-lint';
import { readListFile } from '@vouchsafe/domain/attestation/ima/ima-list';
import { isSigned, keyringOf } from '@vouchsafe/domain/attestation/ima/keyring';
import { measuresRoot } from '@vouchsafe/domain/attestation/ima/measuring';
import { compileGlob, GlobError, globMatches } from '@vouchsafe/domain/glob';
import { Problem } from '@vouchsafe/domain/problem';
import { filesOfTar } from '@vouchsafe/services/ima-lists/debian/package-files';
import { packagesIn } from '@vouchsafe/services/ima-lists/debian/packages-index';
import { readRelease } from '@vouchsafe/services/ima-lists/debian/release';
import { readWanted } from '@vouchsafe/services/ima-lists/debian/wanted';
import { bytesOf, type MakeTargets, oneOfClasses, text, wordsOf } from '../target.ts';

const digest = 'ab'.repeat(32);
const list = `# name: base\n${digest}  /usr/bin/a\n\\${digest}  /lib/x\\\\y\n${'cd'.repeat(64)} */opt/b\n`;
const release = `Suite: stable\nCodename: frog\nDate: x\nComponents: main\nSHA256:\n ${digest} 12 main/a\n`;
const index = `Package: aa\nVersion: 1\nArchitecture: amd64\nFilename: pool/a\nSize: 5\nSHA256: ${digest}\n\n`;
const status = 'Package: aa\nStatus: install ok installed\nVersion: 1:2~3\nArchitecture: all\n';
const now = new Date('2026-01-01');

const key = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAzUdq7w1Fck4uUlH0BNtT
sBJKyQkjvQMil9KyW9Focd6DXFuaME5ZfmB99tEx6jfuhTA8Dhh3ci8J5WYBgknh
Admx6GCp1fc2SsvMPC5PdVsYt57b6tjEto7fEuMyKuRH/et6ezsNJEZRfEfltsox
uVKkFkQhNs9XW875C3PE71tXevLVZnY06MheVpflzLrkvgI+tnmfOb5j1QJgB2YF
070AxWnYrxFbFSk0IGxLu/1SdOt3C43m9BzP6pnw5YMsTdEH+5l0M4ozPQ7/FbOO
LlRzpP9olkSMbE6pTBooer8C5J0V1hp3JWq4U7tn9MXxze26PgddLVKwdHdP24vd
HwIDAQAB
-----END PUBLIC KEY-----
`;

/** One file of a tar archive, as GNU tar writes it. */
function tar(name: string, content: string | Uint8Array, type = '\0'): Uint8Array<ArrayBuffer> {
  const body = typeof content === 'string' ? bytesOf(content) : content;
  const header = Buffer.alloc(512);
  header.write(name);
  header.write('0000644\0', 100);
  header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('        ', 148);
  header.write(`${type}`, 156);
  header.write('ustar\0', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return concat(header, body, new Uint8Array(Math.ceil(body.length / 512) * 512 - body.length));
}

const endOfTar = new Uint8Array(1024);

async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const refuses = oneOfClasses(Problem);

/** What IMA logs are judged by: globs, lists, signatures, and the Debian archives that lists are made of. */
export const make: MakeTargets = () => [
  {
    name: 'glob',
    samples: ['/var/log/**', '/a/[!x-z]?*\\*', '**/b/*c'].map(bytesOf),
    words: wordsOf('*', '**', '?', '[', ']', '[!', '-', '\\', '/', 'a*a*a*', '**a**a'),
    run(bytes) {
      const glob = compileGlob(text(bytes));
      let places = 0;
      const subject = '/var/log/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab/c';
      globMatches(glob, subject, (count) => {
        places += count;
      });
      if (places > subject.length * (glob.tokens.length + 1)) throw new RangeError(`${places} places`);
      readExcludes([text(bytes)]);
    },
    refuses: oneOfClasses(GlobError, Problem),
  },
  {
    name: 'ima-list',
    samples: [bytesOf(list)],
    words: wordsOf(digest, '\n', '  ', ' *', '\\', '\\n', '# name: x', '/../', '\0'),
    run(bytes) {
      const read = readListFile('list', text(bytes), now);
      new AllowList(read).look('/usr/bin/a', 'sha256', new Uint8Array(32));
      attempt(() => new AllowList({ ...read, entries: text(bytes) }));
    },
    refuses,
  },
  {
    name: 'ima-signature',
    samples: [Uint8Array.of(3, 2, 4, 1, 2, 3, 4, 0, 2, 9, 9), Uint8Array.of(6, 3, 4, 1, 2, 3, 4, 0, 1, 9)],
    run: (bytes) => isSigned(keyringOf([key]), 'sha256', new Uint8Array(32), bytes),
    refuses,
  },
  {
    name: 'ima-command-line',
    samples: ['quiet ima_policy=tcb|appraise_tcb', 'a="b c" -- ima_policy=tcb ima_tcb'].map(bytesOf),
    words: wordsOf('ima_policy=', 'tcb', '"', ' -- ', '=', '|', 'ima=off'),
    run: (bytes) => measuresRoot(text(bytes)),
    refuses: oneOfClasses(RangeError),
  },
  {
    name: 'debian-archive',
    samples: [release, index, status, 'aa\t1:2~3\nbb:amd64 4\n'].map(bytesOf),
    words: wordsOf('\n\n', '\n ', ': ', 'Package: ', 'SHA256:', 'Size: -1', 'Valid-Until: '),
    run(bytes) {
      const outcomes = [
        () => readRelease(text(bytes), 'stable', now),
        () => [...packagesIn('index', text(bytes), new Set(['aa']))],
        () => readWanted('wanted', text(bytes)),
      ].map((read) => attempt(read));
      const refusal = outcomes.find((outcome) => outcome instanceof Error);
      if (outcomes.every((outcome) => outcome instanceof Error)) throw refusal;
    },
    refuses,
  },
  {
    name: 'debian-package',
    samples: [tar('./usr/bin/a', 'content'), tar('./x', 'y'.repeat(700))].map((each) => concat(each, endOfTar)),
    words: wordsOf('ustar', 'L', 'x', '00000000', '\0', '././@LongLink'),
    run: (bytes) => filesOfTar(onePiece(bytes)),
    refuses,
  },
  {
    // Behind a header whose checksum is right, which a mutant seldom has.
    name: 'debian-package-pax',
    samples: ['20 path=./usr/bin/a\n', '9 mtime=\n29 SCHILY.xattr.user.a=value\n10 size=1\n'].map(bytesOf),
    words: wordsOf(' ', '\n', '=', '0 ', '9 ', 'path=', 'linkpath=', 'size=', 'GNU.sparse.major=1', '-1 ', '1e3 '),
    run: (bytes) => filesOfTar(onePiece(concat(tar('./PaxHeaders/a', bytes, 'x'), tar('./a', 'b'), endOfTar))),
    refuses,
  },
];

/** What came of it; errors that are no refusals go on. */
function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}
