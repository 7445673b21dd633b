import { KmipError } from '../error.ts';
import { query } from '../operations/query.ts';
import { versionText } from '../version.ts';
import type { BreakerState } from './breaker.ts';
import type { Cluster } from './cluster.ts';
import type { ShownCertificate } from './endpoint.ts';
import type { CallOptions } from './options.ts';

/** How one server is. */
export interface ServerHealth {
  /** `host:port`. */
  readonly server: string;
  /** It answered a Query just now. */
  readonly ok: boolean;
  /** Why not. */
  readonly error: KmipError | undefined;
  /** Whether operations ask it, or leave it alone. */
  readonly breaker: BreakerState;
  /** Milliseconds that it took, with connection and TLS if there was none. */
  readonly took: number;
  readonly version: string | undefined;
  readonly vendor: string | undefined;
  /** The certificate that it showed last. */
  readonly certificate: ShownCertificate | undefined;
}

/** Asks every server at once, by a real request. Never fails because of a server. */
export const health =
  (cluster: Cluster) =>
  async (options: CallOptions = {}): Promise<ServerHealth[]> => {
    const until = cluster.tryUntil(cluster.deadline(options));
    const answers = await cluster.everywhere(async (endpoint) => {
      const begun = performance.now();
      const answer = await endpoint
        .ask(query, { functions: ['Query Server Information'] }, until)
        .catch((error: unknown) => (error instanceof KmipError ? error : Promise.reject(error)));
      return { answer, took: performance.now() - begun };
    });
    return answers.map(([endpoint, result]) => {
      const { answer, took } = result instanceof KmipError ? { answer: result, took: 0 } : result;
      const error = answer instanceof KmipError ? answer : undefined;
      return {
        server: endpoint.name,
        ok: error === undefined,
        error,
        breaker: endpoint.breaker.state,
        took,
        version: endpoint.version && versionText(endpoint.version),
        vendor: answer instanceof KmipError ? undefined : answer.vendor,
        certificate: endpoint.certificate,
      };
    });
  };
