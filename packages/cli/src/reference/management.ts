import { attestdOperations } from '@vouchsafe/services/attestd/operations/table';
import { groupOperations } from '@vouchsafe/services/host/operations/table';
import { hostOperations } from '@vouchsafe/services/host/serve';
import { kmxaOperations } from '@vouchsafe/services/kmxa/operations/table';
import { kmxdOperations } from '@vouchsafe/services/kmxd/operations/table';
import type { Operation } from '@vouchsafe/services/management/operation';
import { code, page, table } from './markdown.ts';

/** Tables are built around what they work on; to read their names nothing of it is needed. */
const nothing = {} as never;

/** The management operations of every part. */
export const managementOperations: readonly (readonly [
  part: string,
  about: string,
  operations: readonly Operation[],
])[] = [
  ['attestd', 'Trust Authority hosts: whose TPMs are ours, which boots are good.', attestdOperations(nothing)],
  ['kmxd', 'Trust Authority hosts: key providers and their key servers.', kmxdOperations(nothing)],
  ['kmxa', 'Trusted hosts: services, attestation, VMs.', kmxaOperations(nothing)],
  [
    'host',
    'Every host: identity and parts.',
    [...hostOperations(nothing, nothing, nothing), ...groupOperations(nothing)],
  ],
];

/** `docs/management-api.md`. */
export function managementPage(): string {
  return page(
    'Management API',
    'the operation tables in packages/services/src',
    'Each part serves its management API as HTTP with JSON bodies on `RUN/PART-admin.sock`, a Unix socket that only root can open. The proxy has no path to it. Errors have the form `{error_type, messages: [{id, default_message, args}], data}`; see [problems.md](problems.md).',
    'Grants have the names of the vendor contract. The local socket serves all operations; requests signed by a center, with the grants of their user, come with the centers in a later step.',
    'An example: `curl --unix-socket /run/vouchsafe/attestd-admin.sock http://host/attestation/tpm2/settings`',
    ...managementOperations.flatMap(([part, about, operations]) => [
      `## ${part}`,
      about,
      table(
        ['name', 'method and path', 'grant', 'what it does'],
        operations.map(({ name, method, path, grant, summary }) => [
          code(name),
          code(`${method} ${path}`),
          grant,
          summary,
        ]),
      ),
    ]),
    hostFacing,
  );
}

const hostFacing = `## What hosts ask over the network

No administration: these pass the proxy of a Trust Authority host (TLS, port of \`listen\`).

| method and path | part | what for | who may |
|---|---|---|---|
| \`POST /attestation/challenge\` | attestd | first round of an attestation | anybody |
| \`POST /attestation/report\` | attestd | second round: evidence in, verdict and token out | who answers the challenge |
| \`POST /kms/list-providers\` | kmxd | names of the key providers | token and proof of possession |
| \`POST /kms/generate-key\` | kmxd | a new KEK | token and proof of possession |
| \`POST /kms/decrypt\` | kmxd | the KEK of a ciphertext | token and proof of possession |
| \`POST /kms/rewrap\` | kmxd | the same KEK under the current primary key | token and proof of possession |
| \`GET /attestation/healthz\`, \`GET /kms/healthz\`, \`GET /healthz\` | attestd, kmxd, proxy | whether the process lives | anybody |

A trusted host's proxy passes \`GET /trusted-infrastructure/healthz\` and nothing else.`;
