import type { HostPart } from '@vouchsafe/services/config/paths';
import { pathsOf } from '@vouchsafe/services/config/paths';
import { HttpClient } from '@vouchsafe/services/http/client';

/** One call of the management API of a part, on the administrator's socket. @throws {Problem} */
export async function callPart(
  run: string,
  part: HostPart | 'host',
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<unknown> {
  const client = new HttpClient(
    { socket: pathsOf({ state: '', run }).admin(part) },
    { timeout: 120_000, limit: 64 * 1024 * 1024 },
  );
  try {
    return (await client.call(method, path, body)).body;
  } finally {
    await client.close();
  }
}
