import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import type { Reply } from '@vouchsafe/kmip/server/engine';
import { Framer } from '@vouchsafe/kmip/ttlv/framer';
import type { KmsLimits } from './limits.ts';

/** What a connection may cost. */
export type ConnectionLimits = Pick<KmsLimits, 'idle' | 'message' | 'answer' | 'messageSize'>;

/** Messages of one connection that are answered before others are looked at. */
const turn = 16;

/**
 * Answers the messages of one connection in their order, one at a time. As long as the peer does not take its answers,
 * nothing more is read from it; neither while much of what it sent waits for an answer.
 */
export function serveConnection(
  socket: TLSSocket,
  answer: (message: Uint8Array) => Promise<Reply>,
  limits: ConnectionLimits,
): void {
  const framer = new Framer('Request Message', limits.messageSize);
  let deadline: NodeJS.Timeout | undefined;
  let over = false;
  let answering = false;
  let taken = true;
  let untaken: NodeJS.Timeout | undefined;
  const proceed = async () => {
    if (answering || !taken) return;
    answering = true;
    let whole = 0;
    try {
      for (let message = framer.next(); message !== undefined; message = framer.next()) {
        whole++;
        const reply = await answer(message).finally(() => message.fill(0));
        if (over) return void reply.message.fill(0);
        taken = socket.write(reply.message, () => reply.message.fill(0));
        if (reply.close) {
          over = true;
          return void socket.destroySoon();
        }
        if (!taken) break;
        // Others get their turn, however much this one has sent.
        if (whole % turn === 0) await nextTurn();
        if (over) return;
      }
      if (taken) socket.resume();
      else {
        socket.pause();
        untaken = setTimeout(() => socket.destroy(), limits.answer);
      }
      watch(whole > 0);
    } catch {
      // No message begins here: whatever follows cannot be told from the middle of one.
      socket.destroy();
    } finally {
      answering = false;
    }
  };
  /** Of a message that has begun; the time runs anew only with the next message. */
  const watch = (another: boolean) => {
    if (another || framer.held === 0) {
      clearTimeout(deadline);
      deadline = undefined;
    }
    if (framer.held > 0) deadline ??= setTimeout(() => socket.destroy(), limits.message);
  };
  socket.setTimeout(limits.idle, () => socket.destroy());
  socket.on('data', (chunk) => {
    if (over) return;
    framer.push(chunk);
    if (answering && framer.held > mostHeld) socket.pause();
    void proceed();
  });
  socket.on('drain', () => {
    if (over) return;
    taken = true;
    clearTimeout(untaken);
    void proceed();
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    over = true;
    clearTimeout(deadline);
    clearTimeout(untaken);
    framer.clear();
  });
}

/** Octets of messages that wait for an answer, beyond which nothing more is read. */
const mostHeld = 1_048_576;
