import { fromHex } from '@vouchsafe/bytes/hex';
import { TpmError } from '../error.ts';
import type { TpmTransport } from '../transport/transport.ts';

/** A TPM that says what it is told to: `answers` are responses in hexadecimal, `sent` is what it was asked. */
export function scripted(...answers: string[]): TpmTransport & { readonly sent: Uint8Array[] } {
  const sent: Uint8Array[] = [];
  return {
    sent,
    transmit(command) {
      sent.push(command.slice());
      const answer = answers.shift();
      return answer === undefined
        ? Promise.reject(new TpmError('transport', 'one command too many'))
        : Promise.resolve(fromHex(answer));
    },
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
