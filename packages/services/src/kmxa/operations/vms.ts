import { readKeySafe } from '@vouchsafe/domain/keys/key-safe';
import { StandardKeyId } from '@vouchsafe/domain/keys/push';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import { domainXml, findDomain } from '../../libvirt/domains.ts';
import type { Operation } from '../../management/operation.ts';
import { query } from '../../management/operation.ts';
import { readDomain } from '../domain-xml.ts';
import { type EncryptProgress, encryptVm } from '../vm-encrypt.ts';
import { sealVm } from '../vm-seal.ts';
import type { KmxaContext } from './context.ts';

const Encrypt = Type.Object(
  {
    provider: Type.String({ minLength: 1, maxLength: 256 }),
    /** Id of the key, for a standard provider. */
    key: Type.Optional(StandardKeyId),
    disks: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 64 })),
    old: Type.Optional(Type.Union([Type.Literal('unlink'), Type.Literal('overwrite'), Type.Literal('keep')])),
  },
  { additionalProperties: false },
);
const readEncrypt = validator('request body', Encrypt);

/** The encrypted VMs of this host. */
export const vmOperations = ({ libvirt, encryption, providers }: KmxaContext): Operation[] => [
  query(
    {
      name: 'trusted-infrastructure.vms.get',
      method: 'GET',
      path: '/trusted-infrastructure/vms/:vm',
      grant: 'READ_ONLY',
      summary: 'Show how each component of a VM is encrypted',
    },
    ({ params: { vm = '' } }) =>
      libvirt.use(async (connection) => {
        const found = await findDomain(connection, vm);
        if (found === undefined) throw new Problem('object.unknown', `no domain ${vm} on this host`);
        return await describe(await domainXml(connection, found, 'inactive'), found.id >= 0);
      }),
  ),
  query(
    {
      name: 'trusted-infrastructure.vms.seal',
      method: 'POST',
      path: '/trusted-infrastructure/vms/:vm/seal',
      grant: 'SECURITY_MGMT',
      summary: 'Accept the changes of a VM that is shut off into its key safe',
    },
    ({ params: { vm = '' } }) => sealVm(vm, encryption),
  ),
  {
    name: 'trusted-infrastructure.vms.encrypt',
    method: 'POST',
    path: '/trusted-infrastructure/vms/:vm/encrypt',
    grant: 'SECURITY_MGMT',
    summary: 'Encrypt the disks of a VM that is shut off; the answer is its progress, a line each',
    async handle({ params: { vm = '' }, body, signal }) {
      const { provider, key, disks = [], old = 'unlink' } = readEncrypt(body);
      const order = { vm, disks, old, provider: await providers.named(provider, key), signal };
      return { body: progress((tell) => encryptVm(order, encryption, tell)) };
    },
  },
];

async function describe(xml: string, running: boolean) {
  const { domain, hash } = await readDomain(xml);
  const safe = domain.keysafe === undefined ? undefined : readKeySafe(domain.keysafe);
  return {
    name: domain.name,
    uuid: domain.uuid,
    running,
    generation: safe?.gen,
    sealed: safe === undefined ? undefined : safe.bound.h === hash,
    disks: domain.disks.map((disk) => {
      const part = safe?.parts.find(({ id }) => id === disk.target);
      const kek = safe?.keks.find(({ n }) => n === part?.kek);
      return {
        target: disk.target,
        device: disk.device,
        path: disk.source?.name,
        encrypted: disk.encrypted !== undefined,
        provider: kek?.prv,
        kind: kek?.kind,
        luks: part?.luks,
      };
    }),
  };
}

/** Turns what is told while it goes on into lines; of byte counts only the newest waits for a slow reader. */
async function* progress(
  work: (tell: (progress: EncryptProgress) => void) => Promise<void>,
): AsyncGenerator<EncryptProgress> {
  const waiting: EncryptProgress[] = [];
  let wake: () => void = () => undefined;
  let ended = false;
  const tell = (each: EncryptProgress) => {
    const last = waiting.at(-1);
    if (last?.step === 'disk' && each.step === 'disk' && last.disk === each.disk) waiting.pop();
    waiting.push(each);
    wake();
  };
  const done = work(tell).finally(() => {
    ended = true;
    wake();
  });
  done.catch(() => undefined);
  while (!ended || waiting.length > 0) {
    const next = waiting.shift();
    if (next !== undefined) yield next;
    else {
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (ended || waiting.length > 0) resolve();
      });
    }
  }
  await done;
}
