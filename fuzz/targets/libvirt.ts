import { type Codec, decode, encode } from '@vouchsafe/bytes/codec';
import { concat } from '@vouchsafe/bytes/hex';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { Domain, decodeMessage, encodeCall, Frames, RemoteError } from '@vouchsafe/services/libvirt/message';
import { lifecycleMessage, procedures } from '@vouchsafe/services/libvirt/procedures';
import { type MakeTargets, oneOfClasses } from '../target.ts';

const uuid = '00000000-0000-4000-8000-000000000001';
const dom = { name: 'vm', uuid, id: -1 };
const secret = { uuid, usageType: 0, usageID: '' };
const none = { str1: undefined, str2: undefined, str3: undefined, int1: 0, int2: 0, net: undefined };
const payloads = [
  encode(Domain, dom),
  encode(RemoteError, { code: 1, domain: 10, message: 'no', level: 2, dom, ...none }),
  encode(lifecycleMessage.payload, { callbackID: 1, dom, event: 2, detail: 0 }),
  encode(procedures.listDomains.ret, { domains: [dom, dom], ret: 2 }),
  encode(procedures.listSecrets.ret, { secrets: [secret], ret: 1 }),
  encode(procedures.domainXml.ret, { xml: '<domain/>' }),
  encode(procedures.authList.ret, { types: ['none', 'polkit'] }),
];
const codecs = [RemoteError, lifecycleMessage.payload, ...Object.values(procedures).map(({ ret }) => ret)];

function refusalOf(codec: Codec<unknown>, payload: Uint8Array): DecodeError | undefined {
  try {
    decode(codec, payload);
    return undefined;
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
}

/** What libvirt sends: a stream cut into messages, and each body as every kind of answer. */
export const make: MakeTargets = () => [
  {
    name: 'libvirt-rpc',
    samples: [
      ...payloads.map((each, i) => encodeCall(i + 1, i, each)),
      concat(...payloads.map((each) => encodeCall(1, 1, each))),
    ],
    run(bytes) {
      for (const message of new Frames().push(bytes)) {
        const { payload } = decodeMessage(message);
        const refusals = codecs.map((codec) => refusalOf(codec as Codec<unknown>, payload));
        if (!refusals.includes(undefined)) throw refusals[0];
      }
    },
    refuses: oneOfClasses(DecodeError),
  },
];
