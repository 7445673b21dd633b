import type { LocalParts } from '../configurations.ts';
import type { Followers } from '../followers.ts';
import type { GroupHost } from '../group-host.ts';
import type { Invites } from '../invites.ts';
import type { Peers } from '../peers.ts';

/** What the management operations about the group work on. */
export interface GroupContext {
  readonly host: GroupHost;
  readonly peers: Peers;
  readonly followers: Followers;
  readonly invites: Invites;
  readonly parts: LocalParts;
  /** Has all parts and connections begin anew, as members of another group. */
  readonly rejoin: () => Promise<void>;
}
