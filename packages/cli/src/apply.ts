import { dirname, resolve } from 'node:path';
import { BootRulesChange } from '@vouchsafe/domain/attestation/boot-rules';
import { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import { ImageRecord } from '@vouchsafe/domain/attestation/image-record';
import { TpmSettings } from '@vouchsafe/domain/attestation/policy';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import { AgentSettings, ServiceRecord } from '@vouchsafe/services/kmxa/configuration';
import { KeyServer, Provider } from '@vouchsafe/services/kmxd/configuration';
import type { Command } from 'commander';
import Type from 'typebox';
import type { Dispatcher } from 'undici';
import { parse } from 'yaml';
import { imaSteps, WantedIma } from './apply-ima.ts';
import { callPart } from './context.ts';
import { readInput } from './files.ts';
import { readUpload } from './image-file.ts';
import { pemListOf } from './tpm-ca/pem-files.ts';

const closed = { additionalProperties: false } as const;
const File = Type.String({ maxLength: 4096 });
const { name, scope, ek } = HostRecord.properties;
const { not_before, not_after } = ImageRecord.properties;
const { uses, share, accept_unmeasured_userspace, accept_auto_enrolled, description } = Provider.properties;
const { scopes, deny_compromised, key_ttl, connection_timeout, alg } = Provider.properties;

const BaseImageFile = Type.Object(
  {
    file: File,
    /** Its signature; left out: the .jws file beside it, when there is one. */
    signature: Type.Optional(File),
    userspace_unmeasured: Type.Optional(Type.Boolean()),
    /** `staged` when left out. What stands there as `active` is activated, unless somebody retired it. */
    state: Type.Optional(Type.Union([Type.Literal('staged'), Type.Literal('active')])),
    not_before,
    not_after,
  },
  closed,
);

/** What a file may say; paths are relative to the file. */
export const Wanted = Type.Object(
  {
    attestation: Type.Optional(
      Type.Object(
        {
          settings: Type.Optional(Type.Partial(TpmSettings)),
          ca_certificates: Type.Optional(
            Type.Array(
              Type.Object(
                { name: Type.String(), files: Type.Array(File), virtual: Type.Optional(Type.Boolean()) },
                closed,
              ),
            ),
          ),
          endorsement_keys: Type.Optional(Type.Array(Type.Object({ name, scope: Type.Optional(scope), ek }, closed))),
          base_images: Type.Optional(Type.Array(BaseImageFile)),
          /** The rules that are named; null brings a default back. */
          rules: Type.Optional(BootRulesChange),
          ima: Type.Optional(WantedIma),
        },
        closed,
      ),
    ),
    kms: Type.Optional(
      Type.Object(
        {
          providers: Type.Array(
            Type.Object(
              {
                name: Type.String(),
                description: Type.Optional(description),
                master_key_id: Type.String(),
                servers: Type.Array(KeyServer),
                client_certificate: Type.Object({ certificate: File, private_key: File }, closed),
                server_certificates: Type.Array(File),
                uses: Type.Optional(uses),
                share: Type.Optional(share),
                accept_unmeasured_userspace: Type.Optional(accept_unmeasured_userspace),
                accept_auto_enrolled: Type.Optional(accept_auto_enrolled),
                scopes,
                deny_compromised: Type.Optional(deny_compromised),
                key_ttl: Type.Optional(key_ttl),
                alg,
                connection_timeout,
              },
              closed,
            ),
          ),
        },
        closed,
      ),
    ),
    trusted_infrastructure: Type.Optional(
      Type.Object(
        {
          settings: Type.Optional(Type.Partial(AgentSettings)),
          services: Type.Optional(
            Type.Array(
              Type.Object(
                {
                  id: Type.String(),
                  address: ServiceRecord.properties.address,
                  trusted_CA: File,
                  group: ServiceRecord.properties.group,
                },
                closed,
              ),
            ),
          ),
        },
        closed,
      ),
    ),
  },
  closed,
);
type Wanted = Type.Static<typeof Wanted>;

/** One call that brings a part nearer to the file. */
interface Step {
  readonly part: 'attestd' | 'kmxd' | 'kmxa';
  readonly method: Dispatcher.HttpMethod;
  /** Read when the step is done: a name may stand in a file. */
  readonly path: string | (() => string);
  readonly body: () => unknown;
  readonly says: string;
  /** Says why nothing is to be done, when what is there must not be written over. */
  readonly left?: (command: Command) => Promise<string | undefined>;
}

/** Does what the file says and tells each step. What is there already, under the same name, is left as it is. */
export async function* applyFile(command: Command, file: string, dryRun: boolean): AsyncGenerator<string> {
  const wanted = readWanted(file);
  for (const step of stepsOf(wanted, file === '-' ? '.' : dirname(file))) {
    const outcome = dryRun ? 'would be done' : await doStep(command, step);
    yield `${step.says}: ${outcome}`;
  }
}

const readWanted = (file: string): Wanted =>
  parseWanted(new TextDecoder().decode(readInput(file, 4 * 1024 * 1024)), file);

/** What the text of a file wants. @throws {Problem} `config.invalid` naming the line or the key */
export function parseWanted(text: string, file: string): Wanted {
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0, logLevel: 'error' });
  } catch (cause) {
    throw new Problem('config.invalid', `${file}: ${(cause as Error).message}`, { cause });
  }
  try {
    return validator(file, Wanted)(value);
  } catch (cause) {
    throw new Problem('config.invalid', (cause as Error).message, { cause });
  }
}

async function doStep(command: Command, { part, method, path, body, left }: Step): Promise<string> {
  try {
    const why = await left?.(command);
    if (why !== undefined) return why;
    await callPart(command, part, method, typeof path === 'string' ? path : path(), body());
    return 'done';
  } catch (error) {
    if (error instanceof Problem && error.kind === 'object.exists') return 'is there already';
    throw error;
  }
}

function* stepsOf({ attestation, kms, trusted_infrastructure }: Wanted, folder: string): Generator<Step> {
  const text = (file: string) => new TextDecoder().decode(readInput(resolve(folder, file)));
  if (attestation !== undefined) yield* attestationSteps(attestation, folder, text);
  for (const provider of kms?.providers ?? []) yield* providerSteps(provider, text);
  if (trusted_infrastructure !== undefined) yield* agentSteps(trusted_infrastructure, text);
}

function* attestationSteps(
  wanted: NonNullable<Wanted['attestation']>,
  folder: string,
  text: (file: string) => string,
): Generator<Step> {
  const step = (method: Step['method'], path: Step['path'], says: string, body: () => unknown): Step => ({
    part: 'attestd',
    method,
    path,
    says,
    body,
  });
  const { settings, ca_certificates = [], endorsement_keys = [], base_images = [], rules, ima = {} } = wanted;
  if (settings !== undefined)
    yield step('PATCH', '/attestation/tpm2/settings', 'settings of TPM trust', () => settings);
  for (const { name, files, virtual = false } of ca_certificates) {
    yield step('POST', '/attestation/tpm2/ca-certificates', `TPM CA ${name}`, () => ({
      name,
      virtual,
      cert_chain: { certs: files.flatMap((file) => pemListOf(readInput(resolve(folder, file)), file)) },
    }));
  }
  for (const key of endorsement_keys) {
    const says = `endorsement key of ${key.name}`;
    const left = (command: Command) => registered(command, key);
    yield { ...step('POST', '/attestation/tpm2/endorsement-keys', says, () => key), left };
  }
  // Before the images: one that breaks them is refused when it is activated.
  if (rules !== undefined) yield step('PATCH', '/attestation/rules', 'rules about boots', () => rules);
  for (const { method, path, says, body } of imaSteps(ima, text)) yield step(method, path, says, body);
  for (const wantedImage of base_images) {
    const { file, signature, state = 'staged', ...rest } = wantedImage;
    const path = resolve(folder, file);
    const upload = () => readUpload(path, signature && resolve(folder, signature));
    yield step('POST', images, `base image ${file}`, () => ({
      ...upload().body,
      ...rest,
      activate: state === 'active',
    }));
    if (state === 'staged') continue;
    const name = () => upload().read.image.name;
    yield {
      ...step(
        'POST',
        () => `${images}/${encodeURIComponent(name())}/activate`,
        `base image ${file}: active`,
        () => undefined,
      ),
      left: (command) => activated(command, name()),
    };
  }
}

const images = '/attestation/os/base-images';

/** A file that nobody changed must not take a retirement back. */
async function activated(command: Command, name: string): Promise<string | undefined> {
  const { state } = (await callPart(command, 'attestd', 'GET', `${images}/${encodeURIComponent(name)}`)) as ImageRecord;
  if (state === 'retired') return 'was RETIRED and stays so; `vouchsafe image activate` takes that back';
  return state === 'active' ? 'is so already' : undefined;
}

type Listed = Pick<HostRecord, 'name' | 'ek'> & Partial<Pick<HostRecord, 'scope'>>;

/** A file that nobody changed must not give a revoked host its keys back. */
async function registered(command: Command, { ek, name, scope = 'default' }: Listed): Promise<string | undefined> {
  try {
    const path = `/attestation/tpm2/endorsement-keys/${ek}`;
    const found = (await callPart(command, 'attestd', 'GET', path)) as HostRecord;
    if (found.state === 'revoked') return 'was REVOKED and stays so; `vouchsafe ek delete` lets it be approved again';
    if (found.name !== name)
      return `LEFT: it is host ${found.name} there; \`vouchsafe host rename\` gives it another name`;
    const same = found.state === 'approved' && found.name === name && found.scope === scope;
    return same ? 'is there already' : undefined;
  } catch (error) {
    if (error instanceof Problem && error.kind === 'object.unknown') return undefined;
    throw error;
  }
}

function* providerSteps(
  provider: NonNullable<Wanted['kms']>['providers'][number],
  text: (file: string) => string,
): Generator<Step> {
  const { client_certificate, server_certificates, ...rest } = provider;
  const path = `/kms/providers/${encodeURIComponent(provider.name)}`;
  const step = (method: Step['method'], at: string, says: string, body: () => unknown): Step => ({
    part: 'kmxd',
    method,
    path: at,
    says: `key provider ${provider.name}: ${says}`,
    body,
  });
  yield step('POST', '/kms/providers', 'created', () => rest);
  yield step('PUT', `${path}/server-certificates`, 'server certificates', () => ({
    certificates: server_certificates.map(text),
  }));
  const { certificate, private_key } = client_certificate;
  yield step('PUT', `${path}/client-certificate`, 'client certificate', () => ({
    certificate: text(certificate),
    private_key: text(private_key),
  }));
}

function* agentSteps(
  { settings, services = [] }: NonNullable<Wanted['trusted_infrastructure']>,
  text: (file: string) => string,
): Generator<Step> {
  if (settings !== undefined) {
    yield {
      part: 'kmxa',
      method: 'PATCH',
      path: '/trusted-infrastructure/settings',
      says: 'settings of the agent',
      body: () => settings,
    };
  }
  for (const { trusted_CA, ...service } of services) {
    for (const kind of ['attestation', 'kms'] as const) {
      yield {
        part: 'kmxa',
        method: 'POST',
        path: `/trusted-infrastructure/${kind}/services`,
        says: `${kind} service ${service.id}`,
        body: () => ({ ...service, trusted_CA: text(trusted_CA) }),
      };
    }
  }
}
