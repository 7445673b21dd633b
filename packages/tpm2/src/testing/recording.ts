import type { TpmTransport } from '../transport/transport.ts';

/** A transport that keeps what it carried: what a listener on the bus of a discrete TPM would have. */
export function recording(transport: TpmTransport, wire: Uint8Array[]): TpmTransport {
  return {
    async transmit(command) {
      wire.push(command.slice());
      const response = await transport.transmit(command);
      wire.push(response.slice());
      return response;
    },
    close: () => transport.close(),
    [Symbol.asyncDispose]: () => transport.close(),
  };
}
