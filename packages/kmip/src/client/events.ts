import type { KmipError } from '../error.ts';

/** What happens beside the calls. Servers are named `host:port`. */
export type ClientEvent =
  /** The server is left alone for a while: too many failures in a row. */
  | { readonly event: 'server.down'; readonly server: string; readonly error: KmipError }
  /** The server answers again. */
  | { readonly event: 'server.up'; readonly server: string }
  /** The server does not have an object that another one has. */
  | { readonly event: 'replication.lag'; readonly server: string; readonly id: string }
  /** The server's answer was none; what it said was not believed. */
  | { readonly event: 'answer.invalid'; readonly server: string; readonly error: KmipError }
  /** A request whose answer was lost had made an object after all, besides the one in use. */
  | { readonly event: 'leftover'; readonly server: string; readonly id: string; readonly destroyed: boolean };
