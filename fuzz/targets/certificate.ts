import { X509Certificate } from 'node:crypto';
import { concat } from '@vouchsafe/bytes/hex';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { planBundle } from '@vouchsafe/domain/attestation/ca-bundle';
import { authorityOf, ekHashOfCertificate, readLinks } from '@vouchsafe/domain/attestation/ek';
import { readEkLeaf } from '@vouchsafe/domain/attestation/ek-leaf';
import { trustIn } from '@vouchsafe/domain/attestation/tpm-trust';
import { virtualTpm } from '@vouchsafe/domain/attestation/virtual-tpms';
import { certificateOf, groupIdOf } from '@vouchsafe/domain/group/group';
import { whyNotInRole } from '@vouchsafe/domain/group/role';
import { extension, make as makeCertificate, makeCrl } from '@vouchsafe/domain/testing/certificates';
import { pinnedAuthority } from '@vouchsafe/domain/testing/tpm-authority';
import { issue } from '@vouchsafe/domain/x509/authority';
import { readCrl, whyNotCrlOf } from '@vouchsafe/domain/x509/crl';
import { certificatePem, pemBlocks } from '@vouchsafe/domain/x509/pem-blocks';
import { createRequest, parseRequest } from '@vouchsafe/domain/x509/request';
import { crlsByIssuer, revocationOf } from '@vouchsafe/domain/x509/revocation';
import { ofCorpus } from '../corpus.ts';
import { problemsOf } from '../problems.ts';
import { fixedPair, now, site, tpmMaker, validity } from '../site.ts';
import { bytesOf, type MakeTargets, text, wordsOf } from '../target.ts';

const words = wordsOf('-----BEGIN CERTIFICATE-----\n', '-----END CERTIFICATE-----\n', '\n');

const isDecodeError = (error: unknown) => error instanceof DecodeError;

/** Certificates of TPMs and of a group, and requests for certificates. */
export const make: MakeTargets = async () => {
  const { group, attestd } = await site();
  const maker = await tpmMaker();
  const order = { authority: maker, publicKey: fixedPair(5).publicKey, subject: 'ek', serial: '04', ...validity };
  const ek = new X509Certificate(await issue({ ...order, usages: ['agree'], sans: { dns: ['a'], ip: ['127.0.0.1'] } }));
  const root = new X509Certificate(maker.certificatePem);
  const trust = trustIn(pinnedAuthority('maker', maker.certificatePem));
  const { privateKey } = fixedPair(6);
  const issuer = makeCertificate({ subject: 'maker' });
  const padded = concat(Uint8Array.of(0x10, 1, 0, 0, 0, 0x10, 2), ek.raw, new Uint8Array(8));
  const usersOnly = extension('2.5.29.28', true, Uint8Array.of(0x30, 3, 0x81, 1, 0xff));
  const request = await createRequest({ subject: 'member', privateKey, sans: { dns: ['a'], ip: ['127.0.0.1'] } });
  return [
    {
      name: 'certificate',
      samples: [ek.raw, root.raw, attestd.certificate.raw, bytesOf(maker.certificatePem), ...ofCorpus('certs', /./)],
      words,
      run(bytes) {
        const certificate = certificateOf(bytes, 'certificate');
        ekHashOfCertificate(certificate);
        groupIdOf(certificate);
        const links = readLinks([root.raw, certificate.raw, ek.raw]);
        for (const leaf of readLinks([certificate.raw])) authorityOf({ leaf, links, trust, crl: 'required', now });
        whyNotInRole(certificate, group, 'attestd', now);
      },
      refuses: problemsOf('input.malformed'),
    },
    {
      name: 'ek-certificate',
      samples: [ek.raw, padded, ...ofCorpus('certs', /nuc|gce|ek_cert/)],
      run(bytes) {
        const leaf = readEkLeaf(bytes);
        virtualTpm(leaf, [leaf.certificate]);
        authorityOf({ leaf: leaf.certificate, links: [leaf.certificate], trust, crl: 'required', now });
      },
      refuses: isDecodeError,
    },
    {
      name: 'crl',
      samples: [makeCrl({ by: issuer, revoked: [issuer] }), makeCrl({ by: issuer, extensions: [usersOnly] })],
      run(bytes) {
        const crl = readCrl(bytes);
        whyNotCrlOf(crl, issuer.certificate);
        revocationOf([issuer.certificate, issuer.certificate], crlsByIssuer([crl]), 'required', now);
      },
      refuses: isDecodeError,
    },
    {
      name: 'ca-bundle',
      samples: [bytesOf(maker.certificatePem), bytesOf(certificatePem(issuer.der)), ...ofCorpus('certs', /roots/)],
      words,
      run(bytes) {
        const blocks = pemBlocks(text(bytes), 'CERTIFICATE').slice(0, 16);
        planBundle(blocks, { roots: new Map(), names: [], others: [issuer.certificate] }, { now });
      },
      refuses: problemsOf('input.too-large'),
    },
    {
      name: 'certificate-request',
      samples: [bytesOf(request)],
      words,
      run: (bytes) => parseRequest(text(bytes)),
      refuses: (error) => error instanceof TypeError && error.message.startsWith('certificate request: '),
    },
  ];
};
