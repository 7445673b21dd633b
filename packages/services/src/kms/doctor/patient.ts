import { printable } from '@vouchsafe/domain/x509/distinguished-name';
import { fingerprint } from '@vouchsafe/domain/x509/pem';
import type { ResponseItem } from '@vouchsafe/kmip/message';
import { discoverVersions } from '@vouchsafe/kmip/operations/discover-versions';
import type { Operation } from '@vouchsafe/kmip/operations/operation';
import { versionText } from '@vouchsafe/kmip/version';
import type { Address } from '../../config/address.ts';
import { type Answer, type Link, type LinkIdentity, openLink } from './link.ts';
import { Ailment } from './report.ts';
import { type Item, itemId, type Login, vcenterItems, vcenterMessage } from './vcenter.ts';

/** Which server is examined, and as whom. */
export interface Examination {
  readonly server: Address;
  readonly identity: LinkIdentity;
  /** How its certificate is to be trusted, by an authority in PEM or by its SHA-256; shown only when left out. */
  readonly trust?: { readonly ca: string } | { readonly pin: string };
  readonly login?: Login;
  /** Keys of others, which this identity must not be able to read. */
  readonly foreign?: readonly string[];
  /** Milliseconds for each connection and each answer; 10 seconds when left out. */
  readonly timeout?: number;
  readonly now?: () => Date;
}

/** The server under examination: how it is talked to, and what is known of it so far. */
export class Patient {
  readonly examination: Examination;
  readonly timeout: number;
  /** Keys that were made here and are not destroyed yet. */
  readonly made = new Set<string>();
  /** The key that the conversation is about. */
  key = '';
  #link: Link | undefined;

  constructor(examination: Examination) {
    this.examination = examination;
    this.timeout = examination.timeout ?? 10_000;
  }

  /** A connection with or without the client certificate; whoever opens it ends it. @throws {Ailment} */
  async connect(as: 'client' | 'stranger', options: { maxVersion?: 'TLSv1.2' } = {}): Promise<Link> {
    const { server, identity, trust } = this.examination;
    const known = trust !== undefined && 'ca' in trust ? { ca: trust.ca } : {};
    const link = await openLink(server, this.timeout, as === 'client' ? identity : undefined, { ...known, ...options })
      // Whatever goes wrong here is of the network or of TLS.
      .catch(unreachable);
    const distrust = whyDistrusted(link, trust);
    if (distrust === undefined) return link;
    link.end();
    throw new Ailment(distrust, 'somebody stands in between, or its certificate was changed', 'untrusted');
  }

  /** A fresh connection for an act, which begins with Discover Versions. @throws {Ailment} */
  async act(): Promise<void> {
    this.end();
    this.#link = await this.connect('client');
    await this.ask(discoverVersions, vcenterItems.versions());
  }

  /** Sends items in one message and checks that the answer is one to them. @throws {Ailment} */
  async send(items: readonly Item[], numbered = true): Promise<readonly ResponseItem[]> {
    this.#link ??= await this.connect('client');
    const { login } = this.examination;
    const answer = await this.#link.ask(vcenterMessage(items, { login, numbered })).catch((error: Error) => {
      this.end();
      throw new Ailment(
        `no answer to ${items[0]?.operation}: ${error.message}`,
        'look into the log of the server: one that ends the connection could not read the message',
      );
    });
    checkAnswer(answer, items, numbered);
    return answer.items;
  }

  /** Asks one thing and gives what was answered. @throws {Ailment} */
  async ask<Request, Response>(operation: Operation<Request, Response>, asked: Item): Promise<Response> {
    const [answered] = await this.send([asked]);
    refuseFailure(answered);
    if (answered?.payload === undefined) throw speechless(`${asked.operation}: a success without payload`);
    return answered.payload.as(operation.response);
  }

  end(): void {
    this.#link?.end();
    this.#link = undefined;
  }
}

const speechless = (detail: string) => new Ailment(detail, 'the server does not speak KMIP 1.1 as it is written');

function checkAnswer({ header, items }: Answer, asked: readonly Item[], numbered: boolean): void {
  const what = asked[0]?.operation;
  if (items[0]?.status !== 'Success') return;
  if (header.version.major !== 1 || header.version.minor !== 1)
    throw speechless(`${what}: answered in version ${versionText(header.version)}, asked in 1.1`);
  if (items.length !== asked.length && items.at(-1)?.status === 'Success')
    throw speechless(`${what}: ${items.length} items answered, ${asked.length} asked for`);
  for (const [i, { id, operation }] of items.entries()) {
    const same = numbered ? id !== undefined && Buffer.from(id).equals(itemId(i + 1)) : id === undefined;
    if (!same) throw speechless(`${what}: another Unique Batch Item ID came back than was sent`);
    if (operation !== asked[i]?.operation) throw speechless(`${what}: the answer is to ${operation}`);
  }
}

/** @throws {Ailment} unless the operation was carried out */
export function refuseFailure(answered: ResponseItem | undefined): void {
  if (answered === undefined || answered.status === 'Success') return;
  const { operation = 'the message', reason = 'no reason', message = '' } = answered;
  const detail = `${operation}: ${reason}${message === '' ? '' : ` (${printable(message)})`}`;
  if (reason === 'Authentication Not Successful' || reason === 'Permission Denied')
    throw new Ailment(detail, 'let this client certificate in on the server, with rights to make keys', 'denied');
  throw new Ailment(detail, 'the server lacks this operation, or does not allow it to this client');
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: does the server run, and is this its KMIP port?',
  ENOTFOUND: 'DNS does not know this name here',
  EHOSTUNREACH: 'there is no route to it: look at the network and its firewalls',
  ETIMEDOUT: 'nothing comes back: look at the network and its firewalls',
};

function unreachable(error: NodeJS.ErrnoException): never {
  const code = String(error.code ?? '');
  const advice =
    reasons[code] ??
    (/^ERR_SSL|^EPROTO|^ECONNRESET|^ERR_TLS/.test(code)
      ? 'the TLS handshake failed: the server wants another certificate or another version of TLS; its log says which'
      : 'look at the address, the network and its firewalls');
  throw new Ailment(`no connection: ${error.message}`, advice);
}

function whyDistrusted({ socket, certificate: shown }: Link, trust: Examination['trust']): string | undefined {
  if (shown === undefined) return 'the server shows no certificate';
  if (trust === undefined) return undefined;
  if ('ca' in trust) return socket.authorized ? undefined : `its certificate: ${socket.authorizationError}`;
  const print = fingerprint(shown);
  return print === trust.pin.replaceAll(':', '').toLowerCase() ? undefined : `it shows certificate ${print}`;
}
