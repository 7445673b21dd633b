import { type Codec, type Infer, list, oneOf, struct, u32 } from '@vouchsafe/bytes/codec';
import { Domain, text, uuidBytes } from './message.ts';
import { int, opaque, optional } from './xdr.ts';

/** remote_nonnull_secret; we define secrets without a usage, type 0. */
export const RemoteSecret = struct('remote_nonnull_secret', {
  uuid: uuidBytes('remote_uuid'),
  usageType: int,
  usageID: text,
});
export type RemoteSecret = Infer<typeof RemoteSecret>;
export type RemoteDomain = Infer<typeof Domain>;

/** remote_auth_type. */
const AuthType = oneOf(u32, { none: 0, sasl: 1, polkit: 2 });

const oneSecret = struct('remote_secret_ret', { secret: RemoteSecret });
const oneDomain = struct('remote_domain_ret', { dom: Domain });
const none = struct('void', {});

/**
 * Procedures of libvirt's remote protocol that we call, with their numbers and XDR declarations
 * (src/remote/remote_protocol.x of libvirt 9.0, enum remote_procedure; numbers never change once released).
 */
export const procedures = {
  authList: row(66, none, struct('remote_auth_list_ret', { types: list('types', u32, AuthType, 20) })),
  open: row(1, struct('remote_connect_open_args', { name: optional(text), flags: u32 }), none),
  capabilities: row(7, none, struct('remote_connect_get_capabilities_ret', { capabilities: text })),
  hostname: row(59, none, struct('remote_connect_get_hostname_ret', { hostname: text })),
  libVersion: row(157, none, struct('remote_connect_get_lib_version_ret', { high: u32, low: u32 })),

  secretLookup: row(141, struct('remote_secret_lookup_by_uuid_args', { uuid: uuidBytes('remote_uuid') }), oneSecret),
  secretDefine: row(142, struct('remote_secret_define_xml_args', { xml: text, flags: u32 }), oneSecret),
  secretSetValue: row(
    144,
    struct('remote_secret_set_value_args', { secret: RemoteSecret, value: opaque(65536), flags: u32 }),
    none,
  ),
  secretUndefine: row(146, struct('remote_secret_undefine_args', { secret: RemoteSecret }), none),
  listSecrets: row(
    287,
    struct('remote_connect_list_all_secrets_args', { needResults: int, flags: u32 }),
    struct('remote_connect_list_all_secrets_ret', { secrets: list('secrets', u32, RemoteSecret, 16384), ret: u32 }),
  ),

  domainXml: row(
    14,
    struct('remote_domain_get_xml_desc_args', { dom: Domain, flags: u32 }),
    struct('remote_domain_get_xml_desc_ret', { xml: text }),
  ),
  domainByName: row(23, struct('remote_domain_lookup_by_name_args', { name: text }), oneDomain),
  domainByUuid: row(24, struct('remote_domain_lookup_by_uuid_args', { uuid: uuidBytes('remote_uuid') }), oneDomain),
  domainDefine: row(350, struct('remote_domain_define_xml_flags_args', { xml: text, flags: u32 }), oneDomain),
  setMetadata: row(
    264,
    struct('remote_domain_set_metadata_args', {
      dom: Domain,
      type: int,
      metadata: optional(text),
      key: optional(text),
      uri: optional(text),
      flags: u32,
    }),
    none,
  ),
  getMetadata: row(
    265,
    struct('remote_domain_get_metadata_args', { dom: Domain, type: int, uri: optional(text), flags: u32 }),
    struct('remote_domain_get_metadata_ret', { metadata: text }),
  ),
  listDomains: row(
    273,
    struct('remote_connect_list_all_domains_args', { needResults: int, flags: u32 }),
    struct('remote_connect_list_all_domains_ret', { domains: list('domains', u32, Domain, 16384), ret: u32 }),
  ),

  eventRegister: row(
    316,
    struct('remote_connect_domain_event_callback_register_any_args', { eventID: int, dom: optional(Domain) }),
    struct('remote_connect_domain_event_callback_register_any_ret', { callbackID: int }),
  ),
} as const;

/** REMOTE_PROC_DOMAIN_EVENT_CALLBACK_LIFECYCLE: sent by libvirt on its own. */
export const lifecycleMessage = {
  number: 318,
  payload: struct('remote_domain_event_callback_lifecycle_msg', {
    callbackID: int,
    dom: Domain,
    event: int,
    detail: int,
  }),
} as const;

export type ProcedureName = keyof typeof procedures;
export type Args<P extends ProcedureName> = Infer<(typeof procedures)[P]['args']>;
export type Ret<P extends ProcedureName> = Infer<(typeof procedures)[P]['ret']>;

function row<A, R>(number: number, args: Codec<A>, ret: Codec<R>) {
  return { number, args, ret } as const;
}
