import { GroupId } from '@vouchsafe/domain/attestation/claims';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import { EkChoice } from '../kmxa/ek-choice.ts';
import { addressOf } from './address.ts';
import { parseToml, readConfigText } from './toml.ts';

const closed = { additionalProperties: false } as const;
const Path = Type.String({ pattern: '^/', maxLength: 4096 });

/** What a trusted host says of itself: where its TPM, its logs and its libvirt are. */
const AgentConfig = Type.Object(
  {
    /** Character device, or `unix:PATH` of an swtpm data socket. */
    tpm: Type.String({ pattern: '^(?:unix:)?/', default: '/dev/tpmrm0' }),
    /** Endorsement key to attest with, where the TPM has several. */
    ek: Type.Union(EkChoice.anyOf, { default: 'auto' }),
    event_log: Type.String({ default: '/sys/kernel/security/tpm0/binary_bios_measurements' }),
    ima_log: Type.String({ default: '/sys/kernel/security/ima/binary_runtime_measurements' }),
    command_line: Type.String({ default: '/proc/cmdline' }),
    libvirt: Type.String({ default: '/run/libvirt/libvirt-sock' }),
    /** Where libvirt keeps the state of running domains; must be in memory. */
    qemu_state: Type.String({ default: '/var/lib/libvirt/qemu' }),
  },
  closed,
);

/**
 * The one configuration file of a host: addresses, paths and the pinned group, nothing else. Everything that
 * administrators change stands in the parts' own stores.
 */
export const HostConfig = Type.Object(
  {
    role: Type.Union([Type.Literal('trust-authority'), Type.Literal('trusted')]),
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$' }),
    state: Path,
    run: Path,
    /** Where the proxy listens: `IP:PORT` or `[IPv6]:PORT`. */
    listen: Type.String({ maxLength: 128 }),
    /** How others reach the proxy, without a slash at its end; `https://LISTEN` when not given. */
    url: Type.Optional(Type.String({ pattern: '^https://[^/]+$', maxLength: 512 })),
    /** The Trust Authority group that this host obeys; trusted hosts only. */
    group: Type.Optional(GroupId),
    /** The center that gives keys of standard and native providers to this host: thumbprint of its CA. */
    center: Type.Optional(GroupId),
    /** What seals the keys of the parts' stores: a file beside them, or the TPM. The TPM when `tpm` is given. */
    seal: Type.Optional(Type.Union([Type.Literal('file'), Type.Literal('tpm')])),
    /** TPM of this host for `seal`: a character device, or `unix:PATH` of an swtpm data socket. */
    tpm: Type.Optional(Type.String({ pattern: '^(?:unix:)?/', maxLength: 4096 })),
    agent: Type.Optional(AgentConfig),
  },
  closed,
);
export type HostConfig = Type.Static<typeof HostConfig>;
export type AgentConfig = Type.Static<typeof AgentConfig>;

const check = validator('configuration', HostConfig);

/**
 * Reads the configuration file of a host.
 * @throws {Problem} `file.unreadable`, or `config.invalid` naming the line or the key
 */
export function readHostConfig(path: string): HostConfig {
  return parseHostConfig(readConfigText(path), path);
}

/** As `readHostConfig`, of text. */
export function parseHostConfig(text: string, path = 'configuration'): HostConfig {
  const value = parseToml(text, path);
  let config: HostConfig;
  try {
    config = check(value.role === 'trusted' ? withAgentDefaults(value) : value);
    addressOf(config.listen);
  } catch (cause) {
    throw new Problem('config.invalid', `${path}: ${(cause as Error).message}`, { cause });
  }
  if (config.seal === 'tpm' && config.tpm === undefined && config.agent === undefined) {
    throw new Problem('config.invalid', `${path}: tpm: seal = "tpm" needs the TPM of this host, such as "/dev/tpmrm0"`);
  }
  if (config.role === 'trusted' && config.group === undefined) {
    throw new Problem('config.invalid', `${path}: group: a trusted host must pin the group of its Trust Authority`);
  }
  return config;
}

/** Something that is no table is left for the check to refuse. */
function withAgentDefaults(value: Record<string, unknown>): Record<string, unknown> {
  const { agent = {} } = value;
  return typeof agent === 'object' ? { ...value, agent: { ...agentDefaults, ...agent } } : value;
}

const agentDefaults = Object.fromEntries(
  Object.entries(AgentConfig.properties).map(([key, schema]) => [
    key,
    (schema as unknown as { default: string }).default,
  ]),
);
