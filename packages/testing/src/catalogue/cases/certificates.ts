import { base64url } from '@vouchsafe/bytes/base64url';
import { fromHex } from '@vouchsafe/bytes/hex';
import {
  basicConstraints,
  caExtensions,
  ekExtensions,
  extension,
  keyUsage,
  makeCrl,
  nameDer,
  pairOf,
  purposes,
} from '@vouchsafe/domain/testing/certificates';
import { der, oid, sequence } from '@vouchsafe/domain/testing/der';
import { readCrl } from '@vouchsafe/domain/x509/crl';
import { type Bystanders, type CatalogueCase, type Expectation, findings, type Mutation, problem } from '../case.ts';
import { sending } from '../changes.ts';
import { authority, ekOf, long, type Presented, presenting } from './certified.ts';

const path = 'packages/domain/src/x509/path.test.ts';
const lists = 'packages/domain/src/x509/crl.test.ts';
const check = 'packages/domain/src/attestation/checks/ek-certificate.test.ts';
const corpus = 'packages/domain/src/attestation/ek-corpus.test.ts';
const fetch = 'packages/cli/src/tpm-ca/listed-fetch.test.ts';
const command = 'packages/cli/src/tpm-ca/tpm-ca.test.ts';

const refused = findings('ek.certificate');

/** A TPM with other certificates than the honest one; what refuses it is the check of them. */
const presented = (change: string, present: (by: Bystanders) => Presented, expect: Expectation): Mutation => ({
  change,
  mutate: (honest, by) => presenting(honest, present(by)),
  expect,
  ...(expect === 'accept' ? {} : { without: 'ek.certificate' }),
});

/** A root, an issuer below it as wanted, and the TPM's certificate below that. */
function below(by: Bystanders, issuerWanted = {}, leafWanted = {}, rootWanted = {}): Presented {
  const root = authority('root', rootWanted);
  const issuer = authority('issuer', { by: root, ...issuerWanted });
  return { root, links: [issuer], certificate: ekOf(by, issuer, leafWanted).der };
}

/** The certificate that a list revokes, or not. */
function listed(by: Bystanders, until: number, revoked: boolean): Presented {
  const root = authority('root');
  const leaf = ekOf(by, root);
  const crl = readCrl(makeCrl({ by: root, from: long.from, until, revoked: revoked ? [leaf] : [] }));
  return { root, certificate: leaf.der, crls: [crl] };
}

const day = 86400;
const yesterday = -300 * day;

/** The beginning of an attribute certificate (RFC 5755, 4.1): version 2, a holder by serial number, and no more. */
const attributeCertificate = fromHex('300f300d020101a008300402020100020101');

export const certificateCases: readonly CatalogueCase[] = [
  {
    id: 'C01',
    what: 'a chain with and without its intermediates, which the host may send',
    mutations: [
      presented('the host sends the intermediate', (by) => below(by), 'accept'),
      presented('the intermediate is missing', (by) => ({ ...below(by), links: [] }), refused),
    ],
    tests: [
      { file: path, test: 'a path leads over links to a pinned root' },
      { file: corpus, test: 'the bundle of makers imports at once: every certificate of it leads to a root' },
    ],
  },
  {
    id: 'C02',
    what: 'a root of the same name or key identifier that is another',
    mutations: [
      presented('a root of the same name', (by) => ({ ...below(by), root: authority('root') }), refused),
      presented(
        'the host sends that root too',
        (by) => {
          const forged = below(by);
          return { ...forged, links: [...(forged.links ?? []), forged.root], root: authority('root') };
        },
        refused,
      ),
    ],
    tests: [
      {
        file: path,
        test: 'a root of the same name, the key of the leaf itself, or a link that nobody pinned is no root',
      },
    ],
  },
  {
    id: 'C03',
    what: 'an issuer that is no CA, or may not issue this',
    mutations: [
      presented('no CA', (by) => below(by, { extensions: [keyUsage(5)] }), refused),
      presented(
        'a key usage for other signatures',
        (by) => below(by, { extensions: [basicConstraints(true), keyUsage(0)] }),
        refused,
      ),
      presented(
        'the root has no CA below it',
        (by) => below(by, {}, {}, { extensions: [basicConstraints(true, 0), keyUsage(5)] }),
        refused,
      ),
    ],
    tests: [{ file: path, test: 'what may not issue certificates has issued none; without the rule it has' }],
  },
  {
    id: 'C04',
    what: 'certificates that expired or are not valid yet',
    mutations: [
      presented('that of the TPM, which was approved by hand', (by) => below(by, {}, { until: yesterday }), 'accept'),
      presented(
        'that of the TPM, where the settings refuse it',
        (by) => ({ ...below(by, {}, { until: yesterday }), settings: { expired_certificates: 'refuse' } }),
        findings('ek.expired'),
      ),
      presented('that of the TPM is not valid yet', (by) => below(by, {}, { from: 0 }), findings('ek.expired')),
      presented('the issuer', (by) => below(by, { until: yesterday }), refused),
      presented('the root', (by) => below(by, {}, {}, { until: yesterday }), refused),
    ],
    tests: [
      {
        file: check,
        test: 'an expired certificate counts for a TPM that somebody vouches for, or as the settings say',
      },
    ],
  },
  {
    id: 'C05',
    what: 'the purpose of an EK certificate is missing or another; names of the TPM',
    mutations: [
      presented('no purpose', (by) => below(by, {}, { extensions: [basicConstraints(false), keyUsage(4)] }), 'accept'),
      presented(
        'the purpose of a server',
        (by) => below(by, {}, { extensions: [keyUsage(4), purposes('1.3.6.1.5.5.7.3.1')] }),
        refused,
      ),
      presented('neither purpose nor usage', (by) => below(by, {}, { extensions: [basicConstraints(false)] }), refused),
    ],
    tests: [{ file: check, test: 'what the certificate says of its TPM is proven with it' }],
  },
  {
    id: 'C06',
    what: 'EK certificates of real TPMs that are malformed',
    mutations: [
      presented('padded as in NV', (by) => padded(below(by)), 'accept'),
      presented('behind a header as in NV', (by) => headed(below(by)), 'accept'),
      presented(
        'a list of bits that ends in zeros',
        (by) => below(by, {}, { odd: () => undefined, extensions: [looseUsage] }),
        'accept',
      ),
      presented('padded, and with another signature', (by) => padded(forged(below(by))), refused),
    ],
    tests: [
      {
        file: 'packages/domain/src/x509/der.test.ts',
        test: 'each oddity of an EK certificate is told, and the signature over it still holds',
      },
      { file: corpus, test: 'the chain of a real TPM is followed, and no byte of it may change' },
    ],
  },
  {
    id: 'C07',
    what: 'names of issuers with several values and kinds of text',
    mutations: [
      presented(
        'another kind of string and other letters than in the issuer itself',
        (by) => {
          const root = authority(nameDer(['O', 'Maker  NV', 0x13], ['CN', 'Root', 0x13]));
          const issuerName = nameDer(['O', 'MAKER NV'], ['CN', 'Root']);
          return { root, certificate: ekOf(by, root, { issuerName }).der };
        },
        'accept',
      ),
    ],
    tests: [
      {
        file: path,
        test: 'names are the same in whatever kind of string and with whatever letters, as makers write them',
      },
    ],
  },
  {
    id: 'C08',
    what: 'chains of firmware TPMs',
    mutations: [
      presented(
        'a chain of three from NV',
        (by) => {
          const root = authority('root');
          const [first, second] = [authority('first', { by: root }), authority('second')];
          const third = authority('second', { by: first, pair: second.pair });
          return { root, links: [third, first], certificate: ekOf(by, third).der };
        },
        'accept',
      ),
    ],
    tests: [
      {
        file: 'packages/services/src/kmxa/tpm-identity.test.ts',
        test: 'a chain that runs on from one index of NV into the next is put together',
      },
      {
        file: corpus,
        test: 'a leaf below each kind of firmware and discrete TPM finds its root among the whole bundle',
      },
    ],
  },
  {
    id: 'C09',
    what: 'all kinds of keys and signatures',
    mutations: (['p384', 'p521', 'rsa2048', 'rsa3072', 'rsa-pss'] as const).map((kind) =>
      presented(`an issuer with ${kind}`, (by) => below(by, { kind }), 'accept'),
    ),
    tests: [{ file: path, test: 'keys and signatures of every kind that makers use' }],
  },
  {
    id: 'C10',
    what: 'revoked, expired, foreign and huge revocation lists',
    mutations: [
      presented('the list revokes the TPM', (by) => listed(by, day, true), findings('ek.revoked')),
      presented('a list that is out of date revokes it', (by) => listed(by, yesterday, true), findings('ek.revoked')),
      presented('the list does not revoke it', (by) => listed(by, day, false), 'accept'),
      presented('the list is out of date', (by) => listed(by, yesterday, false), 'accept'),
      presented(
        'the list is out of date, and current ones are required',
        (by) => ({ ...listed(by, yesterday, false), settings: { crl: 'required' } }),
        findings('ek.revocation-unknown'),
      ),
      presented('the list of another CA of the same name', foreignList, 'accept'),
    ],
    tests: [
      { file: lists, test: 'a huge list costs one look-up for a certificate, and one that is too large is refused' },
      { file: lists, test: 'a list counts for the CA that signed it, and for no other of the same name' },
    ],
  },
  {
    id: 'C11',
    what: 'loops, ten thousand certificates, fifty steps',
    mutations: [presented('sixteen that all certify one another', circle, refused)],
    tests: [
      {
        file: path,
        test: 'certificates that all certify one another, and ten thousand of one name, end after a fixed amount of work',
      },
      { file: path, test: 'a path is as long as it may be and no longer' },
    ],
  },
  {
    id: 'C12',
    what: 'the certificate names another TPM than the TPM does; firmware that is known to be bad',
    tests: [
      {
        file: 'packages/testing/src/attestation/firmware.test.ts',
        test: 'firmware on the blocklist is refused, with what to do; without the check it passes',
      },
      {
        file: 'packages/testing/src/attestation/firmware.test.ts',
        test: 'a host that lets its attestation key hide the version is refused like the firmware that it may have',
      },
    ],
  },
  {
    id: 'C13',
    what: 'platform certificates of other TPMs: none is believed, so none can be exchanged',
    mutations: [
      {
        change: 'an attribute certificate in the place of the EK certificate',
        mutate: (honest) => ({
          ...honest,
          request: { ...honest.request, ek: { ...honest.request.ek, certificate: base64url(attributeCertificate) } },
        }),
        expect: findings('ek.certificate'),
        without: 'ek.certificate',
      },
      {
        change: 'platform certificates beside the evidence',
        mutate: (honest) =>
          sending(honest, () => ({ platform_certificates: [base64url(attributeCertificate)] }) as object),
        expect: problem('input.invalid'),
      },
    ],
  },
  {
    id: 'C14',
    what: 'certificates of attestation keys',
    mutations: [
      presented(
        'the certificate of a signing key, by the maker',
        (by) => below(by, {}, { extensions: [basicConstraints(false), keyUsage(0)] }),
        findings('ek.sign-only'),
      ),
      presented(
        'one that claims to be of an EK as well',
        (by) => below(by, {}, { extensions: [keyUsage(0), purposes('2.23.133.8.1')] }),
        findings('ek.sign-only'),
      ),
    ],
    tests: [{ file: check, test: 'a certificate of a signing key under the same CA is none, whoever holds that key' }],
  },
  {
    id: 'C15',
    what: 'addresses in certificates are never followed',
    mutations: [
      presented(
        'of the metadata of a cloud',
        (by) => below(by, {}, { extensions: [...ekExtensions, pointer] }),
        'accept',
      ),
    ],
    tests: [
      { file: fetch, test: 'only addresses of listed hosts are fetched, by http and https alone' },
      { file: fetch, test: 'redirects elsewhere are not followed' },
      { file: fetch, test: 'a listed name that leads to a private address is not asked' },
      { file: command, test: 'a root that is fetched is not pinned, and an address that was not listed is not asked' },
    ],
  },
];

const looseUsage = sequence(oid('2.5.29.15'), der(4, der(3, Uint8Array.of(0, 8))));
const metadata = der(0x86, new TextEncoder().encode('http://169.254.169.254/latest/meta-data/'));
const pointer = extension('1.3.6.1.5.5.7.1.1', false, sequence(sequence(oid('1.3.6.1.5.5.7.48.2'), metadata)));

const padded = (whole: Presented): Presented => ({
  ...whole,
  certificate: Buffer.concat([whole.certificate, Buffer.alloc(60)]),
});

function headed(whole: Presented): Presented {
  const size = whole.certificate.length + 2;
  const header = Uint8Array.of(0x10, 0x01, 0, size >> 8, size & 0xff, 0x10, 0x02);
  return { ...whole, certificate: Buffer.concat([header, whole.certificate]) };
}

function forged(whole: Presented): Presented {
  const certificate = Uint8Array.from(whole.certificate);
  certificate[certificate.length - 1]! ^= 1;
  return { ...whole, certificate };
}

function foreignList(by: Bystanders): Presented {
  const root = authority('root');
  const leaf = ekOf(by, root);
  const crl = readCrl(makeCrl({ by: root, key: pairOf('p256').privateKey, from: long.from, revoked: [leaf] }));
  return { root, certificate: leaf.der, crls: [crl] };
}

function circle(by: Bystanders): Presented {
  const pair = pairOf('p256');
  const links = Array.from({ length: 16 }, () => authority('circle', { pair, extensions: caExtensions }));
  return { root: authority('root'), links, certificate: ekOf(by, links[0]!).der };
}
