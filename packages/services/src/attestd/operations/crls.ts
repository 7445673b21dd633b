import { maxCrlBytes } from '@vouchsafe/domain/x509/crl';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import { StoredCrl } from '../trust/stored.ts';
import { crlView, sourcesOf } from '../trust/views.ts';
import type { AttestdContext } from './context.ts';

/** `crl` is DER in base64. */
const Add = Type.Object({ crl: StoredCrl.properties.crl }, { additionalProperties: false });

/** Certificate revocation lists of TPM makers. They are loaded here; this service fetches nothing from anywhere. */
export const crls = ({ configuration, now, ...context }: AttestdContext): Operation[] => [
  query(
    {
      name: 'attestation.tpm2.crls.list',
      method: 'GET',
      path: '/attestation/tpm2/crls',
      grant: 'READ_ONLY',
      summary: 'List the loaded revocation lists',
    },
    () => configuration.trust.crls().map((each) => crlView(each, now())),
  ),
  operation(
    {
      name: 'attestation.tpm2.crls.add',
      method: 'POST',
      path: '/attestation/tpm2/crls',
      grant: 'SECURITY_MGMT',
      summary: 'Load a revocation list in the place of the one before it',
      body: Add,
      bodyLimit: Math.ceil((maxCrlBytes * 4) / 3) + 4096,
    },
    ({ crl }) => {
      const add = () => configuration.trust.addCrl(crl, now().toISOString());
      return recordedCrl(context, add, now());
    },
  ),
  query(
    {
      name: 'attestation.tpm2.crls.delete',
      method: 'DELETE',
      path: '/attestation/tpm2/crls/:name',
      grant: 'SECURITY_MGMT',
      summary: 'Forget a revocation list',
    },
    ({ params: { name = '' } }) => {
      recorded(context, changed('config.change', 'tpm-crl', name, { deleted: true }), () =>
        configuration.trust.deleteCrl(name),
      );
    },
  ),
  query(
    {
      name: 'attestation.tpm2.sources.list',
      method: 'GET',
      path: '/attestation/tpm2/sources',
      grant: 'READ_ONLY',
      summary: 'List where the known CAs say that revocation lists and issuers can be fetched',
    },
    () => sourcesOf(configuration.trust.trust()),
  ),
];

type Added = ReturnType<AttestdContext['configuration']['trust']['addCrl']>;

/** The record names what was loaded, which is known only when it was read. */
function recordedCrl({ store, audit }: Pick<AttestdContext, 'store' | 'audit'>, add: () => Added, now: Date) {
  return store.together(() => {
    const added = add();
    const view = crlView(added, now);
    const { issuer, number, revoked } = view;
    audit(changed('config.change', 'tpm-crl', added.name, { issuer, number, revoked }));
    return { ...view, verified: added.issuer !== undefined };
  });
}
