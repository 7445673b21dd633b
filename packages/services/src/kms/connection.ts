import type { TLSSocket } from 'node:tls';
import type { Reply } from '@vouchsafe/kmip/server/engine';
import { Framer } from '@vouchsafe/kmip/ttlv/framer';

/** What a connection may cost; times are milliseconds. */
export interface ConnectionLimits {
  /** Without a message. */
  readonly idle: number;
  /** From the first octet of a message to its last. */
  readonly message: number;
}

/**
 * Answers the messages of one connection in their order. As long as the peer does not take its answers, nothing more is
 * read from it.
 */
export function serveConnection(
  socket: TLSSocket,
  answer: (message: Uint8Array) => Reply,
  limits: ConnectionLimits,
): void {
  const framer = new Framer('Request Message');
  let deadline: NodeJS.Timeout | undefined;
  let over = false;
  const proceed = () => {
    try {
      for (let message = framer.next(); message !== undefined; message = framer.next()) {
        const reply = answer(message);
        message.fill(0);
        const room = socket.write(reply.message, () => reply.message.fill(0));
        if (reply.close) {
          over = true;
          return socket.destroySoon();
        }
        if (!room) return socket.pause();
      }
    } catch {
      // No message begins here: whatever follows cannot be told from the middle of one.
      return socket.destroy();
    }
    watch();
  };
  const watch = () => {
    if (framer.held === 0) {
      clearTimeout(deadline);
      deadline = undefined;
    } else deadline ??= setTimeout(() => socket.destroy(), limits.message);
  };
  socket.setTimeout(limits.idle, () => socket.destroy());
  socket.on('data', (chunk) => {
    if (over) return;
    framer.push(chunk);
    proceed();
  });
  socket.on('drain', () => {
    if (over) return;
    socket.resume();
    proceed();
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    clearTimeout(deadline);
    framer.clear();
  });
}
