import { randomUUID } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import { printable } from '@vouchsafe/domain/x509/distinguished-name';
import { fingerprint } from '@vouchsafe/domain/x509/pem';
import { whyWeak } from '@vouchsafe/domain/x509/public-key-info';
import { attributeValue, customAttribute } from '@vouchsafe/kmip/attribute';
import { activate } from '@vouchsafe/kmip/operations/activate';
import { create } from '@vouchsafe/kmip/operations/create';
import { destroy } from '@vouchsafe/kmip/operations/destroy';
import { discoverVersions } from '@vouchsafe/kmip/operations/discover-versions';
import { get } from '@vouchsafe/kmip/operations/get';
import { getAttributes } from '@vouchsafe/kmip/operations/get-attributes';
import { locate } from '@vouchsafe/kmip/operations/locate';
import { query } from '@vouchsafe/kmip/operations/query';
import { revoke } from '@vouchsafe/kmip/operations/revoke';
import { versionText } from '@vouchsafe/kmip/version';
import type { Link } from './link.ts';
import { type Patient, refuseFailure } from './patient.ts';
import { Ailment } from './report.ts';
import { item, vcenterItems, vcenterLabels } from './vcenter.ts';

/** One thing that is looked at. */
export interface Check {
  readonly id: string;
  /** What holds when it passes, in the words of who runs the server. */
  readonly title: string;
  /** Without a `needed` one the server is of no use to vCenter; a `wanted` one is missed only. */
  readonly weight: 'needed' | 'wanted';
  /** Checks that must have passed before. */
  readonly after: readonly string[];
  /** What was found; nothing when there is nothing to look at. @throws {Ailment} */
  readonly run: (patient: Patient) => Promise<string | undefined>;
}

const day = 86_400_000;

/** Above this, health checks of vSAN give up. Milliseconds. */
const patience = 1000;

/** What is looked at, in the order of the conversation. */
export const checks: readonly Check[] = [
  {
    id: 'reach',
    title: 'a client without certificate may read the certificate of the server',
    weight: 'wanted',
    after: [],
    run: async (patient) => {
      const link = await patient.connect('stranger').catch((error: Ailment) => {
        if (error.verdict === 'untrusted' || /^no connection: (connect|getaddrinfo)/.test(error.message)) throw error;
        throw new Ailment(error.message, 'vCenter cannot fetch the certificate by itself: paste it there by hand');
      });
      using _ = ending(link);
      return `${link.socket.getProtocol()}, ${link.socket.getCipher().name}`;
    },
  },
  {
    id: 'identity',
    title: 'the server takes the client certificate',
    weight: 'needed',
    after: [],
    run: async (patient) => {
      using link = ending(await patient.connect('client'));
      return `${link.of.socket.getProtocol()}, ${Math.round(link.of.took)} ms to connect`;
    },
  },
  {
    id: 'certificate',
    title: 'the certificate of the server is good for longer than a month',
    weight: 'wanted',
    after: ['identity'],
    run: certificate,
  },
  {
    id: 'tls-1.2',
    title: 'TLS 1.2 is spoken, which vCenter comes with',
    weight: 'needed',
    after: ['identity'],
    run: async (patient) => {
      using link = ending(await patient.connect('client', { maxVersion: 'TLSv1.2' }));
      return link.of.socket.getCipher().name;
    },
  },
  {
    id: 'pace',
    title: 'a connection stands within a second',
    weight: 'wanted',
    after: ['identity'],
    run: async (patient) => {
      using link = ending(await patient.connect('client'));
      const took = `${Math.round(link.of.took)} ms`;
      if (link.of.took <= patience) return took;
      throw new Ailment(`${took} to connect`, 'health checks of vSAN raise false alarms: look at load and network');
    },
  },
  {
    id: 'versions',
    title: 'KMIP 1.1 is spoken',
    weight: 'needed',
    after: ['identity'],
    run: async (patient) => {
      const [bare] = await patient.send([vcenterItems.versions()], false);
      refuseFailure(bare);
      const { versions } = await patient.ask(discoverVersions, vcenterItems.versions());
      if (!versions.some(({ major, minor }) => major === 1 && minor === 1))
        throw new Ailment(`it speaks ${versions.map(versionText).join(', ')}`, 'vCenter speaks 1.1 only: switch it on');
      return versions.map(versionText).join(', ');
    },
  },
  {
    id: 'information',
    title: 'the server says who made it',
    weight: 'wanted',
    after: ['versions'],
    run: async (patient) => {
      const { vendor } = await patient.ask(query, vcenterItems.information());
      return vendor === undefined ? 'no vendor is named' : printable(vendor);
    },
  },
  {
    id: 'create',
    title: 'an AES-256 key is made, without a name and without a date',
    weight: 'needed',
    after: ['versions'],
    run: async (patient) => {
      await patient.act();
      const { id } = await patient.ask(create, vcenterItems.create());
      patient.made.add(id);
      patient.key = id;
      return printable(id);
    },
  },
  {
    id: 'label.read',
    title: 'a label that the key does not have is no error',
    weight: 'wanted',
    after: ['create'],
    run: async (patient) => {
      const { attributes } = await patient.ask(getAttributes, vcenterItems.label(patient.key)).catch(asMissing);
      if (attributes.length === 0) return undefined;
      throw new Ailment('a new key has a label already', 'the server answers with attributes that nobody asked for');
    },
  },
  {
    id: 'label.write',
    title: 'three labels are set in one message',
    weight: 'wanted',
    after: ['create'],
    run: async (patient) => {
      const answers = await patient.send(vcenterLabels(patient.key));
      for (const each of answers) asMissingAnswer(each);
      return undefined;
    },
  },
  {
    id: 'label.find',
    title: 'a key is found by its label',
    weight: 'wanted',
    after: ['label.write'],
    run: findByLabel,
  },
  {
    id: 'fetch',
    title: 'the key is handed out before it is active, whole and plain',
    weight: 'needed',
    after: ['create'],
    run: fetchKey,
  },
  {
    id: 'state',
    title: 'the key is Pre-Active at first',
    weight: 'needed',
    after: ['create'],
    run: (patient) => stateIs(patient, 'Pre-Active'),
  },
  {
    id: 'activate',
    title: 'the key becomes Active when it is told to',
    weight: 'needed',
    after: ['state'],
    run: async (patient) => {
      await patient.ask(activate, vcenterItems.activate(patient.key));
      return stateIs(patient, 'Active');
    },
  },
  {
    id: 'missing',
    title: 'a key that does not exist is not found, in these words',
    weight: 'wanted',
    after: ['versions'],
    run: async (patient) => {
      const [answered] = await patient.send([item(get, { id: randomUUID() })]);
      if (answered?.status !== 'Success' && answered?.reason === 'Item Not Found') return undefined;
      throw new Ailment(
        `the answer is ${answered?.reason ?? 'a success'}`,
        'vCenter cannot tell a lost key from a forbidden one: do not conclude from its messages that a key is lost',
      );
    },
  },
  {
    id: 'foreign',
    title: 'keys of others are out of reach',
    weight: 'needed',
    after: ['versions'],
    run: async (patient) => {
      const { foreign = [] } = patient.examination;
      const readable: string[] = [];
      for (const id of foreign) if (await isReadable(patient, id)) readable.push(id);
      if (readable.length === 0)
        return foreign.length === 0 ? 'none was named: see --foreign' : `${foreign.length} looked for`;
      throw new Ailment(
        `this client reads ${readable.join(', ')}`,
        'take it out of the group or scope of the other: each provider needs an identity of its own',
      );
    },
  },
  {
    id: 'clean-up',
    title: 'the key is revoked and destroyed, and gone then',
    weight: 'wanted',
    after: ['create'],
    run: cleanUp,
  },
];

const ending = (of: Link) => ({ of, [Symbol.dispose]: () => of.end() });

async function certificate(patient: Patient): Promise<string> {
  using link = ending(await patient.connect('client'));
  const shown = link.of.certificate!;
  const now = (patient.examination.now ?? (() => new Date()))();
  const until = shown.validToDate.toISOString().slice(0, 10);
  const weak = whyWeak(shown.publicKey);
  if (weak !== undefined) throw new Ailment(`it has ${weak}`, 'replace it with one of P-256, or of RSA with 2048 bits');
  if (shown.validToDate < now)
    throw new Ailment(`it ended on ${until}`, 'clients that look at dates refuse it: renew it');
  if (shown.validToDate.getTime() - now.getTime() < 30 * day)
    throw new Ailment(`it ends on ${until}`, 'renew it now: where it is pinned, it must be trusted anew');
  const subject = printable(shown.subject.replaceAll('\n', ', '));
  return `${subject}; until ${until}; SHA-256 ${fingerprint(shown)}`;
}

/** What is optional in KMIP is missed only, and never means that the client is not let in. */
function asMissing(error: unknown): never {
  if (!(error instanceof Ailment)) throw error;
  throw new Ailment(error.message, 'keys are not labelled: nobody sees on the server what they are for');
}

function asMissingAnswer(answered: Parameters<typeof refuseFailure>[0]): void {
  try {
    refuseFailure(answered);
  } catch (error) {
    asMissing(error);
  }
}

async function findByLabel(patient: Patient): Promise<string | undefined> {
  const label = customAttribute('x-Product_Version', '7.0.3 build-19480866');
  const { ids } = await patient.ask(locate, item(locate, { attributes: [label] }));
  const other = customAttribute('x-Product_Version', randomUUID());
  const { ids: none } = await patient.ask(locate, item(locate, { attributes: [other] }));
  if (none.length > 0)
    throw new Ailment(
      `${none.length} keys are found by a label that no key has`,
      'the server ignores what is asked for: clients that look for keys by name get the wrong one',
    );
  if (ids.includes(patient.key)) return undefined;
  throw new Ailment('it is not found', 'storage arrays look for keys like that, vCenter does not');
}

async function fetchKey(patient: Patient): Promise<string | undefined> {
  await patient.act();
  const { id, object } = await patient.ask(get, vcenterItems.fetch(patient.key));
  const faulty = (why: string) => new Ailment(why, 'the server hands out another key than it was asked for');
  if (id !== patient.key) throw faulty(`it answers with ${printable(id)}`);
  if (object.type !== 'Symmetric Key') throw faulty(`it answers with a ${object.type}`);
  const { block } = object;
  using material = secretOf(block.value);
  if (material === undefined) throw faulty('the key came wrapped, or in no plain form');
  if (material.length !== 32 || block.length !== 256) throw faulty(`${material.length * 8} bits came instead of 256`);
  if (material.use((octets) => octets.every((octet) => octet === octets[0])))
    throw faulty('its octets are all the same');
  if (block.value !== undefined && 'attributes' in block.value && block.value.attributes.length > 0)
    throw new Ailment('attributes came inside of the key', 'some clients (Veeam) cannot read such answers');
  return undefined;
}

async function stateIs(patient: Patient, wanted: string): Promise<string | undefined> {
  const { attributes } = await patient.ask(getAttributes, vcenterItems.state(patient.key));
  const state = attributeValue(attributes, 'State');
  if (state === wanted) return undefined;
  throw new Ailment(`it is ${state ?? 'in no state'}`, `vCenter expects ${wanted}`);
}

async function isReadable(patient: Patient, id: string): Promise<boolean> {
  const [answered] = await patient.send([item(get, { id })]);
  if (answered?.status !== 'Success') return false;
  const read = answered.payload?.as(get.response).object;
  if (read !== undefined && 'block' in read) secretOf(read.block.value)?.[Symbol.dispose]();
  return true;
}

/** The key itself, when it came as plain octets. */
function secretOf(value: unknown): Secret | undefined {
  const { material } = (value ?? {}) as { material?: unknown };
  return material instanceof Secret ? material : undefined;
}

async function cleanUp(patient: Patient): Promise<string | undefined> {
  await patient.act();
  for (const id of patient.made) {
    // A key that never became active need not be revoked.
    await patient.ask(revoke, item(revoke, { id, reason: { code: 'Cessation of Operation' } })).catch(() => undefined);
    await patient.ask(destroy, item(destroy, { id })).catch((error: Ailment) => {
      throw new Ailment(error.message, `destroy ${id} on the server by other means: nobody needs it`);
    });
    patient.made.delete(id);
  }
  if (!(await isReadable(patient, patient.key))) return undefined;
  throw new Ailment('the key is handed out still', 'what is destroyed here is not: do not rely on Destroy');
}
