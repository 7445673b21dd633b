import { X509Certificate } from 'node:crypto';
import { authorityOf, ekHashOfCertificate, readLinks } from '@vouchsafe/domain/attestation/ek';
import { trustIn } from '@vouchsafe/domain/attestation/tpm-trust';
import { certificateOf, groupIdOf } from '@vouchsafe/domain/group/group';
import { whyNotInRole } from '@vouchsafe/domain/group/role';
import { pinnedAuthority } from '@vouchsafe/domain/testing/tpm-authority';
import { issue } from '@vouchsafe/domain/x509/authority';
import { createRequest, parseRequest } from '@vouchsafe/domain/x509/request';
import { ofCorpus } from '../corpus.ts';
import { problemsOf } from '../problems.ts';
import { fixedPair, now, site, tpmMaker, validity } from '../site.ts';
import { bytesOf, type MakeTargets, text, wordsOf } from '../target.ts';

const words = wordsOf('-----BEGIN CERTIFICATE-----\n', '-----END CERTIFICATE-----\n', '\n');

/** Certificates of TPMs and of a group, and requests for certificates. */
export const make: MakeTargets = async () => {
  const { group, attestd } = await site();
  const maker = await tpmMaker();
  const order = { authority: maker, publicKey: fixedPair(5).publicKey, subject: 'ek', serial: '04', ...validity };
  const ek = new X509Certificate(await issue({ ...order, usages: ['agree'], sans: { dns: ['a'], ip: ['127.0.0.1'] } }));
  const root = new X509Certificate(maker.certificatePem);
  const trust = trustIn(pinnedAuthority('maker', maker.certificatePem));
  const { privateKey } = fixedPair(6);
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
      name: 'certificate-request',
      samples: [bytesOf(request)],
      words,
      run: (bytes) => parseRequest(text(bytes)),
      refuses: (error) => error instanceof TypeError && error.message.startsWith('certificate request: '),
    },
  ];
};
