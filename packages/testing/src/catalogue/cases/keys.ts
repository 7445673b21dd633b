import { base64url } from '@vouchsafe/bytes/base64url';
import { extraData } from '@vouchsafe/domain/attestation/extra-data';
import { basicConstraints, keyUsage, makeEk, purposes } from '@vouchsafe/domain/testing/certificates';
import { rocaModulus } from '@vouchsafe/domain/testing/roca-modulus';
import { akTemplates } from '@vouchsafe/tpm2/ak-template';
import { ekTemplates } from '@vouchsafe/tpm2/ek-template';
import { decodePublic, encodePublic, type TpmaObject, type TpmtPublic } from '@vouchsafe/tpm2/public';
import { spkiOf } from '@vouchsafe/tpm2/public-key';
import { type CatalogueCase, findings, type Mutation, problem } from '../case.ts';
import { sending, withAk } from '../changes.ts';
import { recordOf } from '../honest.ts';
import { eccAk } from '../keys.ts';
import type { Parts } from '../parts.ts';
import { authority, long, presenting } from './certified.ts';

const attacks = 'packages/testing/src/attestation/evidence-attacks.test.ts';
const service = 'packages/testing/src/attestation/attestation-service.test.ts';

const attribute = (name: keyof TpmaObject, value: boolean, what: string): Mutation => ({
  change: what,
  mutate: (honest) =>
    withAk(
      honest,
      eccAk('nistP256', 'sha256', {
        area: { objectAttributes: { ...akTemplates.ecc.objectAttributes, [name]: value } },
      }),
    ),
  expect: findings('ak.attributes'),
  without: 'ak.attributes',
});

const nameAlg = (alg: TpmtPublic['nameAlg'], expect: Mutation['expect']): Mutation => ({
  change: `nameAlg ${alg}`,
  mutate: (honest) => withAk(honest, eccAk('nistP256', 'sha256', { area: { nameAlg: alg } })),
  expect,
});

/** As if the TPM's endorsement key had another public area; the registry lists it, and its certificate is for the same key. */
const ek = (honest: Parts, change: (area: TpmtPublic) => TpmtPublic): Parts => {
  const area = change(decodePublic(Buffer.from(honest.request.ek.public, 'base64url')));
  const ekPublic = encodePublic(area);
  return {
    ...honest,
    request: { ...honest.request, ek: { ...honest.request.ek, public: base64url(ekPublic) } },
    host: recordOf(ekPublic),
  };
};

/** A TPM whose RSA endorsement key the broken generator made. */
function withRocaEk(honest: Parts): Parts {
  const area = { ...ekTemplates['L-1'].area, unique: rocaModulus() } as TpmtPublic;
  const ekPublic = encodePublic(area);
  const root = authority('root');
  const extensions = [basicConstraints(false), keyUsage(2), purposes('2.23.133.8.1')];
  const certificate = makeEk(root, { ...long, spki: spkiOf(area), extensions }).der;
  const changed = presenting(honest, { root, certificate });
  const request = { ...changed.request, ek: { ...changed.request.ek, public: base64url(ekPublic) } };
  return { ...changed, request, host: recordOf(ekPublic) };
}

export const keyCases: readonly CatalogueCase[] = [
  {
    id: 'K01',
    what: 'the attestation key lacks an attribute',
    mutations: [
      attribute('restricted', false, 'it signs what it is given'),
      attribute('sign', false, 'it is no signing key'),
      attribute('fixedTPM', false, 'it can leave its TPM'),
      attribute('fixedParent', false, 'it can be moved'),
      attribute('sensitiveDataOrigin', false, 'it was made outside'),
    ],
    tests: [{ file: attacks, test: 'unrestricted key: it signs a forgery with the right magic' }],
  },
  {
    id: 'K02',
    what: 'the attestation key decrypts as well',
    mutations: [attribute('decrypt', true, 'decrypt is set')],
  },
  {
    id: 'K03',
    what: 'the Name of the attestation key rests on a weak hash, or there is none',
    mutations: [
      { ...nameAlg('sha1', findings('ak.attributes')), without: 'ak.attributes' },
      nameAlg('null', problem('input.invalid')),
    ],
  },
  {
    id: 'K04',
    what: 'the credential was made for another Name than that of the key that signs',
    mutations: [
      {
        change: 'the key of another TPM is named in the first round',
        mutate: (honest, { other }) => ({
          ...honest,
          request: { ...honest.request, ak: base64url(other.tpm.ak.publicArea) },
        }),
        expect: findings('quote.signature'),
        without: 'quote.signature',
      },
    ],
    tests: [{ file: attacks, test: 'nonce of another host: an honest TPM answers the challenge of this one' }],
  },
  {
    id: 'K05',
    what: 'the attestation key comes from two sources',
    mutations: [
      {
        change: 'a second key in the evidence',
        mutate: (honest) => sending(honest, () => ({ ak: base64url(honest.signer.publicArea) }) as object),
        expect: problem('input.invalid'),
      },
    ],
  },
  {
    id: 'K06',
    what: 'the activation secret is guessed, used again, or another host’s',
    mutations: [
      {
        change: 'zeros as secret: the TPM with this EK never answered',
        mutate: (honest) => ({
          ...honest,
          frame: { extraData: extraData(honest.nonce, new Uint8Array(32), honest.claims) },
        }),
        expect: findings('quote.extra-data'),
        without: 'quote.extra-data',
      },
      {
        change: 'the secret of another host',
        mutate: (honest, { other }) => ({
          ...honest,
          frame: { extraData: extraData(honest.nonce, other.parts.secret, honest.claims) },
        }),
        expect: findings('quote.extra-data'),
        without: 'quote.extra-data',
      },
    ],
    tests: [{ file: service, test: 'a made-up TPM does not wait for approval' }],
  },
  {
    id: 'K07',
    what: 'the EK certificate is for another key',
    mutations: [
      {
        change: 'the certificate of another TPM',
        mutate: (honest, { other }) => ({
          ...honest,
          request: {
            ...honest.request,
            ek: { ...honest.request.ek, certificate: base64url(other.tpm.certificate.raw) },
          },
        }),
        expect: findings('ek.certificate'),
        without: 'ek.certificate',
      },
    ],
    tests: [{ file: attacks, test: 'EK certificate of another TPM' }],
  },
  {
    id: 'K08',
    what: 'every template of the EK Credential Profile works',
    tests: [
      {
        file: 'packages/tpm2/src/flow.test.ts',
        test: 'an attestation key is activated under every EK template and quotes',
      },
    ],
  },
  {
    id: 'K09',
    what: 'an EK that is made by no known template',
    mutations: [
      {
        change: 'another policy',
        mutate: (honest) => ek(honest, (area) => ({ ...area, authPolicy: new Uint8Array(32).fill(1) })),
        expect: findings('ek.template'),
        without: 'ek.template',
      },
      {
        change: 'it can leave its TPM',
        mutate: (honest) =>
          ek(honest, (area) => ({
            ...area,
            objectAttributes: { ...area.objectAttributes, fixedTPM: false, fixedParent: false },
          })),
        expect: findings('ek.template'),
        without: 'ek.template',
      },
      {
        change: 'it is not restricted',
        mutate: (honest) =>
          ek(honest, (area) => ({ ...area, objectAttributes: { ...area.objectAttributes, restricted: false } })),
        expect: problem('input.invalid'),
      },
    ],
    tests: [{ file: attacks, test: 'certified storage key that is no EK: its owner opens the credential in software' }],
  },
  {
    id: 'K10',
    what: 'counters that a TPM hides behind an offset for each key',
    tests: [
      {
        file: 'packages/testing/src/attestation/firmware.test.ts',
        test: 'a host that lets its attestation key hide the version is refused like the firmware that it may have',
      },
      {
        file: 'packages/domain/src/attestation/checks/clock.test.ts',
        test: 'that hides them, after one that showed them: refused',
      },
      { file: attacks, test: 'TPM that went on since: accepted, also after another boot and under another AK' },
    ],
  },
  {
    id: 'K11',
    what: 'a key in software that says it is an attestation key, without any TPM',
    mutations: [
      {
        change: 'no EK certificate',
        mutate: (honest) => ({ ...honest, request: { ...honest.request, ek: { public: honest.request.ek.public } } }),
        expect: findings('ek.certificate'),
        without: 'ek.certificate',
      },
    ],
  },
  {
    id: 'K12',
    what: 'the attestation key is exchanged after its credential was activated',
    mutations: [
      {
        change: 'another key signs',
        mutate: (honest) => ({ ...honest, signer: { ...eccAk(), publicArea: honest.signer.publicArea } }),
        expect: findings('quote.signature'),
        without: 'quote.signature',
      },
    ],
  },
  {
    id: 'K13',
    what: 'a virtual TPM where hardware is asked for',
    tests: [
      {
        file: 'packages/testing/src/attestation/registry.test.ts',
        test: 'the virtual TPM of a guest is no host, whoever approves it, as long as its scope allows none',
      },
      { file: attacks, test: 'virtual TPM in a scope that does not allow it' },
    ],
  },
  {
    id: 'K14',
    what: 'an EK under two hosts, a host with two EKs',
    tests: [
      {
        file: 'packages/testing/src/attestation/registry.test.ts',
        test: 'a TPM shows two endorsement keys with one attestation key: the second waits as the same TPM, and approving it links',
      },
      {
        file: 'packages/testing/src/attestation/registry.test.ts',
        test: 'one TPM that was approved under two names is told, and revoking either revokes the TPM',
      },
    ],
  },
  {
    id: 'K15',
    what: 'two EKs are enrolled under one name at once',
    tests: [
      {
        file: 'packages/testing/src/attestation/registry.test.ts',
        test: 'of two TPMs that ask for one name at once, one gets it',
      },
      {
        file: 'packages/testing/src/attestation/registry.test.ts',
        test: 'of two first contacts of one TPM at once, one row comes',
      },
      {
        file: 'packages/services/src/attestd/operations/registry.test.ts',
        test: 'of many that approve one key, or one name, at once, one does',
      },
    ],
  },
  {
    id: 'K16',
    what: 'names of hosts that are none',
    tests: [
      {
        file: 'packages/domain/src/attestation/host-name.test.ts',
        test: 'names that traverse, inject, look alike or have no end are refused, and not repeated in the message',
      },
    ],
  },
  {
    id: 'K17',
    what: 'keys whose private half can be computed, and keys that two TPMs have',
    mutations: [
      {
        change: 'an endorsement key with the fingerprint of CVE-2017-15361, certified by its maker',
        mutate: withRocaEk,
        expect: findings('ek.roca'),
        without: 'ek.weak',
      },
    ],
    tests: [
      {
        file: 'packages/domain/src/attestation/roca.test.ts',
        test: 'a modulus of the broken generator is known by its fingerprint',
      },
      {
        file: 'packages/domain/src/attestation/checks/key-strength.test.ts',
        test: 'a key of the broken generator is refused',
      },
      {
        file: 'packages/domain/src/attestation/common-factors.test.ts',
        test: 'of many moduli, those with a common factor are found, and no others',
      },
      {
        file: 'packages/cli/src/registry/check-keys.test.ts',
        test: 'RSA endorsement keys with a common prime are named, others are counted',
      },
      {
        file: 'packages/testing/src/attestation/registry.test.ts',
        test: 'without the check, a revoked TPM comes back by its other key: listed under another name, or enrolled by itself',
      },
    ],
  },
  {
    id: 'K18',
    what: 'an attestation key by way of TPM2_Certify or TPM2_CertifyCreation',
    mutations: [
      {
        change: 'TPM2_CertifyCreation in the place of the quote',
        mutate: (honest) => ({ ...honest, frame: { type: 0x801a } }),
        expect: findings('quote.type'),
        without: 'quote.type',
      },
    ],
  },
  {
    id: 'K19',
    what: 'keys are released to a key that this host did not name under its quote',
    tests: [
      {
        file: 'packages/services/src/kmxd/release-service.test.ts',
        test: 'an answer is sealed to the key in the token: whoever carries the token elsewhere cannot open it',
      },
    ],
    mutations: [
      {
        change: 'the release key is exchanged in the claims',
        mutate: (honest, { other }) => sending(honest, () => ({ claims: base64url(other.parts.claims) })),
        expect: findings('quote.extra-data'),
        without: 'quote.extra-data',
      },
    ],
  },
];
