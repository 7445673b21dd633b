import { createHash } from 'node:crypto';
import { type Codec, decode, encode, rest, sized, struct, u16, u32, untilEnd } from '@vouchsafe/bytes/codec';
import { concat } from '@vouchsafe/bytes/hex';
import { hashes } from './algorithms.ts';
import { type Authorization, type ParameterHash, TpmsAuthCommand, TpmsAuthResponse } from './authorization.ts';
import type { Command } from './command.ts';
import type { Entity } from './entity.ts';
import { TpmError } from './error.ts';
import { TpmResponseError } from './response-error.ts';
import { headerSize, largestMessage } from './transport/transport.ts';

/** Part 2, 6.9: tags of messages. */
const tags = { noSessions: 0x8001, sessions: 0x8002 } as const;

const Header = struct('header', { tag: u16, size: u32, code: u32 });
const Handle = struct('handle', { handle: u32 });
const Body = rest('body', largestMessage);
const Response = struct('response', { tag: u16, size: u32, code: u32, body: Body });
const SessionBody = struct('response', {
  parameters: sized('parameters', u32, largestMessage),
  sessions: untilEnd('sessions', TpmsAuthResponse, 3),
});

/**
 * The bytes of a command (Part 1, 18): header, handles, authorizations, parameters.
 * @throws {TypeError} when it would be longer than a TPM takes
 */
export function encodeCommand(
  command: Command,
  handles: readonly Entity[],
  parameters: unknown,
  auths: readonly Authorization[],
): Uint8Array<ArrayBuffer> {
  for (const auth of auths) auth.begin();
  const concealed = conceal(encode(command.parameters, parameters), auths);
  const area = concat(...handles.map(({ handle }) => encode(Handle, { handle })));
  const sessions = auths.length === 0 ? new Uint8Array() : authorizationArea(command, handles, concealed, auths);
  const size = headerSize + area.length + sessions.length + concealed.length;
  if (size > largestMessage) throw new TypeError(`${command.name}: ${size} bytes, a TPM takes ${largestMessage}`);
  const tag = auths.length === 0 ? tags.noSessions : tags.sessions;
  return concat(encode(Header, { tag, size, code: command.code }), area, sessions, concealed);
}

function authorizationArea(
  command: Command,
  handles: readonly Entity[],
  parameters: Uint8Array,
  auths: readonly Authorization[],
): Uint8Array<ArrayBuffer> {
  const cpHash = hashOf(code(command.code), ...handles.map(({ name }) => name), parameters);
  const blocks = auths.map((auth, i) => {
    const nonces = i === 0 ? otherNonces(auths) : new Uint8Array();
    return encode(TpmsAuthCommand, auth.authorize(cpHash, nonces));
  });
  const area = concat(...blocks);
  return concat(code(area.length), area);
}

/** Part 1, 19.6.5: the first session vouches for the nonces of other sessions that conceal parameters. */
function otherNonces(auths: readonly Authorization[]): Uint8Array {
  const decrypt = auths.find((auth) => auth.encryptCommand !== undefined);
  const encrypt = auths.find((auth) => auth.decryptResponse !== undefined);
  const others = new Set([decrypt, encrypt].filter((auth) => auth !== undefined && auth !== auths[0]));
  return concat(...[...others].map((auth) => auth!.nonceTPM));
}

/** What came back: the handle of what was made (0 when nothing was) and the results. */
export interface Answer<Out> {
  readonly handle: number;
  readonly results: Out;
}

/** The response code of a response whose header is sound. @throws {TpmError} `answer` @throws {DecodeError} */
export function responseCodeOf(response: Uint8Array): number {
  const { tag, size, code: rc } = decode(Response, response);
  if (size !== response.length)
    throw new TpmError('answer', `the response says ${size} bytes, ${response.length} came`);
  if (tag !== tags.noSessions && tag !== tags.sessions && !(rc === 0x1e && tag === 0xc4))
    throw new TpmError('answer', `the response's tag is 0x${tag.toString(16)}`);
  return rc;
}

/** The handle of what a command made, read before anything else can go wrong. @throws {DecodeError} */
export function madeHandleOf(command: Command, response: Uint8Array): number {
  return command.makes ? decode(MadeHandle, response).handle : 0;
}
const MadeHandle = struct('response', { tag: u16, size: u32, code: u32, handle: u32, body: Body });

/**
 * The results in a response, after its sessions were checked.
 * @throws {TpmResponseError} when the TPM refused the command
 * @throws {TpmError} `answer`
 * @throws {DecodeError}
 */
export function decodeResponse<In, Out>(
  command: Command<In, Out>,
  response: Uint8Array,
  auths: readonly Authorization[],
): Answer<Out> {
  const rc = responseCodeOf(response);
  if (rc !== 0) throw new TpmResponseError(command.name, rc);
  const { tag } = decode(Response, response);
  const expected = auths.length === 0 ? tags.noSessions : tags.sessions;
  if (tag !== expected) throw new TpmError('answer', `the response's tag is 0x${tag.toString(16)}`);
  const handle = madeHandleOf(command as Command, response);
  const body = response.subarray(headerSize + (command.makes ? 4 : 0));
  const parameters = auths.length === 0 ? body : checkedParameters(command as Command, body, auths);
  return { handle, results: decodeNamed(`${command.name} response`, command.results, parameters) };
}

function checkedParameters(command: Command, body: Uint8Array, auths: readonly Authorization[]): Uint8Array {
  const { parameters, sessions } = decode(SessionBody, body);
  if (sessions.length !== auths.length)
    throw new TpmError('answer', `the response has ${sessions.length} sessions, expected ${auths.length}`);
  const rpHash = hashOf(code(0), code(command.code), parameters);
  for (const [i, auth] of auths.entries()) auth.accept(rpHash, sessions[i]!);
  return reveal(parameters, auths);
}

const hashOf =
  (...parts: readonly Uint8Array[]): ParameterHash =>
  (hash) =>
    new Uint8Array(
      createHash(hashes[hash].node)
        .update(concat(...parts))
        .digest(),
    );

const code = (value: number) => encode(u32, value);

/** Part 1, 21: only the data of the first parameter, a TPM2B, is concealed; its size is not. */
function conceal(parameters: Uint8Array, auths: readonly Authorization[]): Uint8Array {
  const session = auths.find((auth) => auth.encryptCommand !== undefined);
  return session?.encryptCommand === undefined ? parameters : firstParameter(parameters, session.encryptCommand);
}

function reveal(parameters: Uint8Array, auths: readonly Authorization[]): Uint8Array {
  const session = auths.find((auth) => auth.decryptResponse !== undefined);
  return session?.decryptResponse === undefined ? parameters : firstParameter(parameters, session.decryptResponse);
}

function firstParameter(parameters: Uint8Array, change: (data: Uint8Array) => Uint8Array): Uint8Array {
  const { first, others } = decode(FirstParameter, parameters);
  return encode(FirstParameter, { first: change(first), others });
}
const FirstParameter = struct('parameters', {
  first: sized('first', u16, largestMessage),
  others: rest('others', largestMessage),
});

function decodeNamed<T>(name: string, codec: Codec<T>, bytes: Uint8Array): T {
  return decode({ ...codec, name }, bytes);
}
