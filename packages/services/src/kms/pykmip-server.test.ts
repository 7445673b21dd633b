import { keyServerContract } from '@vouchsafe/kmip/testing/contract';
import { pykmipServer, withoutPykmip } from './testing/pykmip-server.ts';

keyServerContract(
  'PyKMIP server',
  async () => {
    const server = await pykmipServer();
    return { client: await server.client('one'), stranger: await server.client('two'), close: server.close };
  },
  withoutPykmip,
  // PyKMIP 0.10 has neither Add Attribute nor attributes with names of the client's choice.
  { customAttributes: false },
);
