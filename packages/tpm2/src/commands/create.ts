import { sized, sizedOf, struct, u16, u32 } from '@vouchsafe/bytes/codec';
import type { Secret } from '@vouchsafe/bytes/secret';
import type { Authorization } from '../authorization.ts';
import { command } from '../command.ts';
import type { Entity } from '../entity.ts';
import { TpmlPcrSelection } from '../pcr-selection.ts';
import { encodePublic, Tpm2bData, Tpm2bDigest, type TpmtPublic } from '../public.ts';
import type { Tpm } from '../tpm.ts';
import { Tpm2bPublic } from './read-public.ts';

/** Part 2, 11.1.16 TPM2B_SENSITIVE_CREATE */
const Tpm2bSensitiveCreate = sizedOf(
  'TPM2B_SENSITIVE_CREATE',
  u16,
  struct('TPMS_SENSITIVE_CREATE', { userAuth: Tpm2bDigest, data: sized('TPM2B_SENSITIVE_DATA', u16, 256) }),
  512,
);
/** Part 2, 12.3.7 TPM2B_PRIVATE */
export const Tpm2bPrivate = sized('TPM2B_PRIVATE', u16, 2048);
/** Part 2, 15.2 TPM2B_CREATION_DATA; nothing here reads it */
export const Tpm2bCreationData = sized('TPM2B_CREATION_DATA', u16, 1024);
/** Part 2, 10.7.3 TPMT_TK_CREATION */
export const TpmtTkCreation = struct('TPMT_TK_CREATION', { tag: u16, hierarchy: u32, digest: Tpm2bDigest });

/** The parameters that TPM2_Create and TPM2_CreatePrimary share. */
export const creationParameters = {
  inSensitive: Tpm2bSensitiveCreate,
  inPublic: Tpm2bPublic,
  outsideInfo: Tpm2bData,
  creationPCR: TpmlPcrSelection,
};

/** Part 3, 12.1 TPM2_Create */
export const Create = command({
  name: 'TPM2_Create',
  code: 0x153,
  handles: ['@parentHandle'],
  parameters: struct('TPM2_Create', creationParameters),
  results: struct('TPM2_Create', {
    outPrivate: Tpm2bPrivate,
    outPublic: Tpm2bPublic,
    creationData: Tpm2bCreationData,
    creationHash: Tpm2bDigest,
    creationTicket: TpmtTkCreation,
  }),
});

/** What may be given to a new object beside its public area. */
export interface Sensitive {
  /** Authorization value; empty when absent. */
  readonly userAuth?: Secret;
  /** What to seal (keyedhash objects), or a key to take over. */
  readonly data?: Secret;
}

/** A new object as TPM2_Load takes it. */
export interface Created {
  /** Contents of TPM2B_PRIVATE: encrypted by the parent. */
  readonly privateArea: Uint8Array;
  /** Bytes of the bare TPMT_PUBLIC. */
  readonly publicArea: Uint8Array;
}

/** Makes an object under a parent key; it stays outside until it is loaded. */
export async function create(
  tpm: Tpm,
  parent: Entity,
  template: TpmtPublic,
  sensitive: Sensitive = {},
  auths: readonly Authorization[] = [],
): Promise<Created> {
  const { results } = await withSensitive(template, sensitive, (parameters) =>
    tpm.run(Create, parameters, [parent], auths),
  );
  return { privateArea: results.outPrivate, publicArea: results.outPublic };
}

/** Lends the creation parameters to `f` and wipes the copies of secrets in them afterwards. */
export async function withSensitive<T>(
  template: TpmtPublic,
  { userAuth, data }: Sensitive,
  f: (parameters: {
    inSensitive: { userAuth: Uint8Array; data: Uint8Array };
    inPublic: Uint8Array;
    outsideInfo: Uint8Array;
    creationPCR: [];
  }) => Promise<T>,
): Promise<T> {
  const inSensitive = { userAuth: lent(userAuth), data: lent(data) };
  try {
    return await f({ inSensitive, inPublic: encodePublic(template), outsideInfo: new Uint8Array(), creationPCR: [] });
  } finally {
    inSensitive.userAuth.fill(0);
    inSensitive.data.fill(0);
  }
}

const lent = (secret: Secret | undefined) => secret?.use((bytes) => bytes.slice()) ?? new Uint8Array();
