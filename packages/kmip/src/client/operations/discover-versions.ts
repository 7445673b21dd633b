import type { ProtocolVersion } from '../../message.ts';
import { discoverVersions as operation } from '../../operations/discover-versions.ts';
import type { Send } from '../send.ts';

/** All versions that the server speaks, best first. */
export const discoverVersions = (send: Send) => async (): Promise<ProtocolVersion[]> =>
  (await send(operation, { versions: [] })).versions;
