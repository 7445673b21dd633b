import type { ProtocolVersion } from '../../message.ts';
import { discoverVersions as operation } from '../../operations/discover-versions.ts';
import type { Cluster } from '../cluster.ts';
import type { CallOptions } from '../options.ts';

/** All versions that the server speaks, best first. */
export const discoverVersions =
  (cluster: Cluster) =>
  async (options: CallOptions = {}): Promise<ProtocolVersion[]> =>
    (await cluster.send(operation, { versions: [] }, { deadline: cluster.deadline(options) })).versions;
