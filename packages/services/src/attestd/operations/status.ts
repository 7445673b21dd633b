import { standingOf } from '@vouchsafe/domain/attestation/image-record';
import { shortfalls } from '@vouchsafe/domain/attestation/minimums';
import { type Operation, query } from '../../management/operation.ts';
import { maxPending } from '../registry/host-registry.ts';
import { crlView } from '../trust/views.ts';
import type { AttestdContext } from './context.ts';

/** Health of the Attestation Service, in the vendor's words: NONE, OK, WARNING, ERROR. */
export const status = (context: AttestdContext): Operation[] => [
  query(
    {
      name: 'attestation.status.get',
      method: 'GET',
      path: '/attestation/status',
      grant: 'READ_ONLY',
      summary: 'Show health and what is wrong',
    },
    () => {
      const details = complaints(context);
      const worst = details.some(({ severity }) => severity === 'ERROR') ? 'ERROR' : 'WARNING';
      return { health: details.length === 0 ? 'OK' : worst, details };
    },
  ),
];

function complaints({ configuration, evidence: { lost }, now }: AttestdContext) {
  const seconds = now().getTime() / 1000;
  const counting = configuration.images().filter((record) => standingOf(record, seconds) === 'active');
  const minimums = configuration.minimums();
  const signed = configuration.imageSignature() === 'required';
  const unsigned = counting.filter(({ signer }) => signed && signer === undefined);
  const short = counting.filter(({ image }) => shortfalls(image, minimums).length > 0);
  const { require_certificate_validation, require_endorsement_keys, ...settings } = configuration.settings();
  const unidentified = !require_certificate_validation && !require_endorsement_keys;
  const outdated = configuration.trust.crls().filter((each) => crlView(each, now()).outdated).length;
  const lists = new Set(configuration.ima.allowLists().map(({ name }) => name));
  const listless = counting.filter(({ image }) => image.ima?.lists.some((name) => !lists.has(name)));
  const rows: [boolean, 'WARNING' | 'ERROR', string][] = [
    [
      unidentified && !settings.allow_unidentified,
      'ERROR',
      'no identity of the TPM is required: every attestation is refused',
    ],
    [
      unidentified && settings.allow_unidentified,
      'ERROR',
      'no identity of the TPM is required: an approved host may be any software TPM',
    ],
    [
      require_certificate_validation && configuration.trust.trust().authorities.length === 0,
      'WARNING',
      'no CA of a TPM maker is trusted: no certificate of an endorsement key can be validated',
    ],
    [
      settings.crl !== 'off' && outdated > 0,
      'WARNING',
      `revocation lists out of date: ${outdated}; vouchsafe tpm-ca update`,
    ],
    [
      settings.enrolment === 'auto',
      'WARNING',
      'enrolment is auto: any TPM of a trusted maker becomes a host on first contact',
    ],
    [
      configuration.registry.pendingIsFull(),
      'WARNING',
      `${maxPending} TPMs wait for approval, and no more are remembered: vouchsafe ek pending`,
    ],
    [lost > 0, 'WARNING', `the evidence of ${lost} verdicts could not be kept since the start: see the log`],
    [counting.length === 0, 'WARNING', 'no base image is active: no host can be attested'],
    [
      listless.length > 0,
      'ERROR',
      `active base images whose IMA lists are not here, so that their hosts are refused: ${listless.map(({ image }) => image.name).join(', ')}`,
    ],
    [
      configuration.imageSignature() === 'off',
      'WARNING',
      'base images need no signature: whoever imports one decides alone; vouchsafe image signer add',
    ],
    [
      unsigned.length > 0,
      'WARNING',
      `active base images without a signature, though one is required: ${unsigned.map(({ image }) => image.name).join(', ')}`,
    ],
    [
      short.length > 0,
      'WARNING',
      `active base images below the minimums, whose hosts are refused: ${short.map(({ image }) => image.name).join(', ')}`,
    ],
  ];
  return rows.filter(([applies]) => applies).map(([, severity, message]) => ({ severity, message }));
}
