import { Secret } from '@vouchsafe/bytes/secret';
import type { Attribute } from '../attribute.ts';
import type { KeyBlock } from '../key-block.ts';
import type { ManagedObject } from '../managed-object.ts';
import type { ProtocolVersion } from '../message.ts';
import { ResponseMessage } from '../message.ts';
import { hasOperation, type Operation, type RequestOf, type ResponseOf } from '../operations/operation.ts';
import { operations } from '../operations/operations.ts';
import { encodeItem } from '../ttlv/item.ts';
import { bound } from '../ttlv/lazy.ts';
import { type VersionName, versionNames } from '../ttlv/vocabulary.ts';
import { asking, requestMessage } from './samples.ts';

/** A message to be mangled. */
export interface KmipSample {
  readonly operation: string;
  readonly side: 'request' | 'response';
  readonly version: VersionName;
  readonly octets: Buffer<ArrayBuffer>;
}

const bytes = (...octets: number[]) => Uint8Array.from(octets);
const secret = (length = 16) => Secret.take(new Uint8Array(length).fill(0x5a));
const number = (...last: number[]) => Uint8Array.from([...new Array(8 - last.length).fill(0), ...last]);

const attributes: Attribute[] = [
  { name: 'Cryptographic Algorithm', value: 'AES' },
  { name: 'Cryptographic Length', value: 256 },
  { name: 'Cryptographic Usage Mask', value: 12 },
  { name: 'Name', value: { value: 'disk', type: 'Uninterpreted Text String' } },
  { name: 'Link', value: { type: 'Public Key Link', id: 'other' } },
  { name: 'Digest', value: { algorithm: 'SHA-256', value: bytes(1, 2) } },
  { name: 'Usage Limits', value: { total: 9n, count: 3n, unit: 'Byte' } },
  { name: 'Application Specific Information', value: { namespace: 'ssl', data: 'www' } },
  { name: 'Activation Date', value: new Date('2026-01-01T00:00:00Z') },
  { name: 'x-Product', value: { type: 'Text String', value: 'vSphere' } },
  { name: 'x-Shelf', value: { type: 'Enumeration', value: 7 } },
];
const template = { names: [], attributes };

const raw: KeyBlock = { format: 'Raw', value: { material: secret(), attributes: [] }, algorithm: 'AES', length: 128 };
const parameters = { mode: 'NISTKeyWrap', hash: 'SHA-256' } as const;
const wrapping = {
  method: 'Encrypt',
  encryption: { id: 'kek', parameters },
  iv: bytes(1, 2, 3),
} as const;

const objects: Record<string, ManagedObject> = {
  plain: { type: 'Symmetric Key', block: raw },
  wrapped: { type: 'Symmetric Key', block: { ...raw, value: { wrapped: secret(24) }, wrapping } },
  rsa: {
    type: 'Private Key',
    block: {
      format: 'Transparent RSA Private Key',
      value: {
        material: { modulus: number(1, 2), privateExponent: Secret.take(number(3)), publicExponent: number(1, 0, 1) },
        attributes: [],
      },
      algorithm: 'RSA',
      length: 16,
    },
  },
  certificate: { type: 'Certificate', certificateType: 'X.509', value: bytes(0x30, 0) },
  password: { type: 'Secret Data', secretType: 'Password', block: { format: 'Opaque', value: raw.value } },
  opaque: { type: 'Opaque Object', opaqueType: '0x80000001', value: secret(3) },
};

const id = 'one';
const key = objects.plain!;
const wrapSpecification = { method: 'Encrypt', encryption: { id: 'kek', parameters }, attributeNames: [] } as const;

type Requests = { [N in keyof typeof operations]: RequestOf<(typeof operations)[N]>[] };
type Responses = { [N in keyof typeof operations]?: ResponseOf<(typeof operations)[N]>[] };

const requests = (): Requests => ({
  Create: [{ objectType: 'Symmetric Key', template }],
  'Create Key Pair': [{ common: template, privateKey: { names: [], attributes: attributes.slice(2, 4) } }],
  Register: Object.values(objects).map((object) => ({ objectType: object.type, template, object })),
  'Re-key': [{ id, offset: 60, template }],
  'Derive Key': [
    {
      objectType: 'Symmetric Key',
      ids: [id, 'two'],
      method: 'PBKDF2',
      parameters: { cryptographic: parameters, data: secret(4), salt: bytes(1), iterations: 1000 },
      template,
    },
  ],
  Certify: [{ id, requestType: 'PKCS#10', request: bytes(0x30, 0) }],
  'Re-certify': [{ id, requestType: 'PKCS#10', request: bytes(0x30, 0), offset: 1 }],
  Locate: [{ maximumItems: 10, storageStatus: 1, attributes: attributes.slice(3, 4) }],
  Check: [{ id, usageCount: 4n, usage: 12, leaseTime: 60 }],
  Get: [{ id, format: 'Raw', wrapping: { ...wrapSpecification, attributeNames: [] } }, {}],
  'Get Attributes': [{ id, names: ['State', 'x-Product'] }],
  'Get Attribute List': [{ id }],
  'Add Attribute': [{ id, attribute: attributes[9]! }],
  'Modify Attribute': [{ id, attribute: attributes[3]! }],
  'Delete Attribute': [{ id, name: 'x-Product' }],
  'Obtain Lease': [{ id }],
  'Get Usage Allocation': [{ id, count: 12n }],
  Activate: [{ id }],
  Revoke: [{ id, reason: { code: 'Key Compromise', message: 'lost' }, compromisedAt: new Date(0) }],
  Destroy: [{ id }],
  Archive: [{ id }],
  Recover: [{ id }],
  Validate: [{ certificates: [{ certificateType: 'X.509', value: bytes(0x30, 0) }], ids: [id], at: new Date(0) }],
  Query: [{ functions: ['Query Operations', 'Query Objects'] }],
  Cancel: [{ correlation: bytes(1) }],
  Poll: [{ correlation: bytes(1) }],
  Notify: [{ id, attributes }],
  Put: [{ id, function: 'Replace', replaced: 'old', object: key, attributes }],
  'Re-key Key Pair': [{ privateKeyId: id, offset: 60, common: template }],
  'Discover Versions': [{ versions: [{ major: 1, minor: 4 }] }],
  Encrypt: [{ id, parameters: { mode: 'GCM' }, data: secret(5), iv: bytes(1) }],
  Decrypt: [{ id, parameters: { mode: 'GCM' }, data: bytes(5), iv: bytes(1) }],
  Sign: [{ id, parameters: { hash: 'SHA-256' }, data: bytes(1, 2) }],
  'Signature Verify': [{ id, data: bytes(1, 2), signature: bytes(3) }],
  MAC: [{ id, parameters: { algorithm: 'HMAC-SHA256' }, data: bytes(1) }],
  'MAC Verify': [{ id, data: bytes(1), mac: bytes(2) }],
  'RNG Retrieve': [{ length: 32 }],
  'RNG Seed': [{ data: secret(8) }],
  Hash: [{ parameters: { hash: 'SHA-256' }, data: bytes(1) }],
  'Create Split Key': [{ objectType: 'Split Key', id, parts: 4, threshold: 2, method: 'XOR', template }],
  'Join Split Key': [{ objectType: 'Symmetric Key', ids: [id, 'two'], template }],
  Import: [{ id, objectType: 'Symmetric Key', replace: true, wrapType: 'Not Wrapped', attributes, object: key }],
  Export: [{ id, wrapType: 'As Registered', wrapping: { ...wrapSpecification, attributeNames: [] } }],
  'Adjust Attribute': [{ id, name: 'Cryptographic Length', adjustment: 'Increment', value: 1 }],
  'Set Attribute': [{ id, attribute: attributes[9]! }],
});

const responses = (): Responses => ({
  Get: Object.values(objects).map((object) => ({ objectType: object.type, id, object })),
  'Get Attributes': [{ id, attributes }],
  'Get Attribute List': [{ id, names: ['State', 'x-Product'] }],
  Locate: [{ ids: [id, 'two'] }],
  Query: [
    { operations: ['Create', 'Get'], objectTypes: ['Symmetric Key'], vendor: 'v', applicationNamespaces: ['ssl'] },
  ],
  Decrypt: [{ id, data: secret(5) }],
  Encrypt: [{ id, data: bytes(5), iv: bytes(1) }],
  Check: [{ id, usage: 12 }],
  'Create Key Pair': [{ privateKeyId: id, publicKeyId: 'two' }],
});

const numbers = (name: VersionName): ProtocolVersion => {
  const [major = 0, minor = 0] = name.split('.').map(Number);
  return { major, minor };
};

const answer = (of: Operation<unknown, unknown>, response: unknown, version: ProtocolVersion): Buffer<ArrayBuffer> =>
  encodeItem(ResponseMessage, {
    header: { version, time: new Date(0), batchCount: 1 },
    items: [{ operation: of.name, id: bytes(1), status: 'Success', payload: bound(of.response, response) }],
  });

/** A request of every operation and the answers that carry most, in each version that has them. */
export function kmipSamples(): KmipSample[] {
  const made: KmipSample[] = [];
  const [asked, answered] = [requests(), responses()];
  for (const [name, declared] of Object.entries(operations)) {
    const of = declared as unknown as Operation<unknown, unknown>;
    for (const version of versionNames.filter((each) => hasOperation(of, numbers(each)))) {
      const says = { operation: name, version };
      for (const request of asked[name as keyof Requests])
        made.push({ ...says, side: 'request', octets: requestMessage([asking(of, request)], {}, numbers(version)) });
      for (const response of answered[name as keyof Responses] ?? [])
        made.push({ ...says, side: 'response', octets: answer(of, response, numbers(version)) });
    }
  }
  return made;
}
