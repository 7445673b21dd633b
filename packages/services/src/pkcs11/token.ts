import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { Problem } from '@vouchsafe/domain/problem';
import { isGone, isPinRefused, problemOf } from './faults.ts';
import { encodeFrame, type Frame, FrameReader } from './frames.ts';
import { pkcs11Package } from './install.ts';
import type { CipherRequest, KeyRef, MacHash, TokenRequest } from './key-facts.ts';
import { PinGuard } from './pin-guard.ts';
import type { TokenPlace } from './session.ts';

export interface TokenOptions {
  /** File that remembers a refused PIN. */
  readonly guard: string;
  /** Longest time for one answer of the token, in milliseconds. */
  readonly deadline?: number;
  /** Requests that may wait at once. */
  readonly waiting?: number;
  /** The package beside which pkcs11js is installed. */
  readonly packageFile?: string;
}

/** What a token says of itself. */
export interface OpenToken {
  readonly token: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
}

interface Waiting {
  readonly resolve: (frame: Frame) => void;
  readonly reject: (problem: Problem) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * A PKCS#11 token, behind a process of its own that holds the module of its vendor. It is opened and logged in to at the
 * first request. When its session is lost the process is replaced and the request repeated, once; a wrong PIN is never
 * tried twice.
 *
 * Every method throws a {Problem}: `hsm.unavailable`, `hsm.pin-refused`, `hsm.refused`, `hsm.key-missing`,
 * `host.package-missing`, `file.unreadable`, `server.busy`.
 */
export class Token implements AsyncDisposable {
  readonly where: string;
  readonly #place: TokenPlace;
  readonly #options: Required<TokenOptions>;
  #session: Promise<Session> | undefined;
  #live: Session | undefined;
  #closed = false;

  constructor(place: TokenPlace, options: TokenOptions) {
    this.#place = place;
    this.#options = { deadline: 10_000, waiting: 256, packageFile: pkcs11Package, ...options };
    this.where = `the token ${place.token}${place.serial === undefined ? '' : ` (${place.serial})`} of ${place.module}`;
  }

  async info(): Promise<OpenToken> {
    return (await this.#opened()).info;
  }

  /** Makes a key that never leaves the token. */
  async makeKey(key: KeyRef, type: 'AES' | 'HMAC', bits: number): Promise<void> {
    await this.#ask({ ask: 'make-key', key, type, bits });
  }

  /** Says whether there is this key. Several of the name, or one that may leave the token, are a problem. */
  async hasKey(key: KeyRef): Promise<boolean> {
    try {
      await this.#ask({ ask: 'find-key', key });
      return true;
    } catch (cause) {
      if (cause instanceof Problem && cause.data.code === 'key-missing') return false;
      throw cause;
    }
  }

  encrypt(key: KeyRef, cipher: CipherRequest, data: Uint8Array): Promise<Uint8Array> {
    return this.#ask({ ask: 'encrypt', key, cipher }, data);
  }

  /** The caller wipes what it gets. */
  decrypt(key: KeyRef, cipher: CipherRequest, data: Uint8Array): Promise<Uint8Array> {
    return this.#ask({ ask: 'decrypt', key, cipher }, data);
  }

  mac(key: KeyRef, hash: MacHash, data: Uint8Array): Promise<Uint8Array> {
    return this.#ask({ ask: 'mac', key, hash }, data);
  }

  /** All secret keys in the token, as they are while nobody makes or destroys any. */
  async *keys(): AsyncGenerator<{ readonly label: string; readonly id: string }> {
    for (let from = 0; ; ) {
      const answer = await this.#ask({ ask: 'list-keys', from });
      const keys = JSON.parse(Buffer.from(answer).toString('utf8')) as { label: string; id: string }[];
      if (keys.length === 0) return;
      yield* keys;
      from += keys.length;
    }
  }

  async destroyKey(key: KeyRef): Promise<void> {
    await this.#ask({ ask: 'destroy-key', key });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const session = this.#session;
    this.#session = undefined;
    await (await session?.catch(() => undefined))?.end();
  }

  async #ask(request: TokenRequest, octets: Uint8Array = new Uint8Array()): Promise<Uint8Array> {
    // Lent for this call only, and there is waiting ahead.
    const body = Uint8Array.from(octets);
    try {
      const session = await this.#opened();
      try {
        return (await session.ask(request, body)).body;
      } catch (cause) {
        if (!(cause instanceof Problem) || !session.lost) throw cause;
        this.#drop(session);
        if (request.ask === 'make-key') throw cause;
        return (await (await this.#opened()).ask(request, body)).body;
      }
    } finally {
      body.fill(0);
    }
  }

  #opened(): Promise<Session> {
    if (this.#closed) throw new Problem('hsm.unavailable', `${this.where} was closed`);
    this.#session ??= this.#open();
    return this.#session;
  }

  /** A failed attempt stands for a second: many requests must not become many logins. */
  async #open(): Promise<Session> {
    const guard = new PinGuard(this.#options.guard, this.#place);
    const session = new Session(this.where, this.#options);
    try {
      guard.check();
      await session.open(this.#place);
      guard.accepted();
      this.#live = session;
      return session;
    } catch (cause) {
      await session.end();
      if (cause instanceof Problem && isPinRefused(String(cause.data.code))) guard.refused();
      setTimeout(() => (this.#session = undefined), 1000).unref();
      throw cause;
    }
  }

  /** Whoever comes later has another session already. */
  #drop(session: Session): void {
    void session.end();
    if (this.#live === session) this.#session = this.#live = undefined;
  }
}

/** The helper process and what waits for its answers. */
class Session {
  /** Whether another session may succeed where this one did not. */
  lost = false;
  readonly #where: string;
  readonly #options: Required<TokenOptions>;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #reader = new FrameReader();
  readonly #waiting = new Map<number, Waiting>();
  #info: OpenToken | undefined;
  #next = 1;

  constructor(where: string, options: Required<TokenOptions>) {
    this.#where = where;
    this.#options = options;
    const helper = resolve(import.meta.dirname, 'helper.ts');
    // Should this process be killed while a module hangs, nobody else would end the helper.
    const command = ['--pdeathsig', 'KILL', '--', process.execPath, '--disable-sigusr1', helper, options.packageFile];
    this.#child = spawn('setpriv', command, { stdio: ['pipe', 'ignore', 'ignore', 'pipe'] });
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (cause) => {
        this.#fail(new Problem('host.package-missing', `setpriv of the package util-linux: ${cause.message}`));
        resolve();
      });
      this.#child.once('exit', (code, signal) => {
        this.#fail(problemOf(where, 'CKR_DEVICE_ERROR', `its helper ended with ${signal ?? `exit code ${code}`}`));
        resolve();
      });
    });
    // A pipe that breaks is told by the end of the process.
    this.#input.on('error', () => undefined);
    this.#output.on('error', () => undefined).on('data', (chunk: Buffer) => this.#received(chunk));
  }

  get info(): OpenToken {
    return this.#info!;
  }

  async open({ module, token, serial, pinFile }: TokenPlace): Promise<void> {
    const request = { ask: 'open', module, token, pinFile, ...(serial !== undefined && { serial }) } as const;
    const { head } = await this.ask(request, new Uint8Array());
    const of = (name: string) => String(head[name] ?? '');
    this.#info = { token: of('token'), manufacturer: of('manufacturer'), model: of('model'), serial: of('serial') };
  }

  ask(request: TokenRequest, body: Uint8Array): Promise<Frame> {
    if (this.lost) return Promise.reject(problemOf(this.#where, 'CKR_SESSION_CLOSED', 'its session is lost'));
    if (this.#waiting.size >= this.#options.waiting)
      return Promise.reject(new Problem('server.busy', `${this.#where}: ${this.#waiting.size} requests wait for it`));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#tooLate(), this.#options.deadline);
      this.#waiting.set(id, { resolve, reject, timer });
      const frame = encodeFrame({ head: { id, ...request }, body });
      this.#input.write(frame, () => frame.fill(0));
    });
  }

  async end(): Promise<void> {
    this.lost = true;
    this.#input.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 2000);
    await this.#ended;
    clearTimeout(timer);
  }

  get #input(): Writable {
    return this.#child.stdio[0]!;
  }

  get #output(): Readable {
    return this.#child.stdio[3] as Readable;
  }

  #tooLate(): void {
    this.#fail(problemOf(this.#where, 'CKR_DEVICE_ERROR', `no answer within ${this.#options.deadline / 1000} s`));
    this.#child.kill('SIGKILL');
  }

  #fail(problem: Problem): void {
    this.lost = true;
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(problem);
    }
    this.#waiting.clear();
  }

  #received(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#answered(frame);
    } catch (cause) {
      this.#fail(problemOf(this.#where, 'CKR_DEVICE_ERROR', `its helper answers amiss: ${(cause as Error).message}`));
      this.#child.kill('SIGKILL');
    }
  }

  #answered(frame: Frame): void {
    const { id, fault, detail } = frame.head;
    const waiting = this.#waiting.get(Number(id));
    if (waiting === undefined) throw new RangeError('an answer that nobody waits for');
    this.#waiting.delete(Number(id));
    clearTimeout(waiting.timer);
    if (isGone(String(fault))) this.lost = true;
    if (fault === undefined) waiting.resolve(frame);
    else waiting.reject(problemOf(this.#where, String(fault), String(detail)));
  }
}
