import { ProtocolVersion } from '../message.ts';
import { repeated, structure } from '../ttlv/structure.ts';
import { declare } from './operation.ts';

/** KMIP 1.4, 4.26. The server lists the versions it shares with the client, best first. */
export const discoverVersions = declare({
  name: 'Discover Versions',
  since: { major: 1, minor: 1 },
  repeatable: true,
  request: structure('Request Payload', { versions: repeated(ProtocolVersion, 32) }),
  response: structure('Response Payload', { versions: repeated(ProtocolVersion, 32) }),
});
