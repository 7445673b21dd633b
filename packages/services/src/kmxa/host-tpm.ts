import { Problem } from '@vouchsafe/domain/problem';
import { Tpm } from '@vouchsafe/tpm2/tpm';
import { DeviceTransport } from '@vouchsafe/tpm2/transport/device';
import { SocketTransport } from '@vouchsafe/tpm2/transport/socket';

/**
 * Opens the TPM of this host.
 * @param where a character device, or `unix:PATH` of an swtpm data socket
 * @throws {Problem} `tpm.unavailable`
 */
export async function openTpm(where: string): Promise<Tpm> {
  try {
    const path = where.startsWith('unix:') ? where.slice('unix:'.length) : undefined;
    return new Tpm(path === undefined ? await DeviceTransport.open(where) : await SocketTransport.open({ path }));
  } catch (cause) {
    throw new Problem('tpm.unavailable', (cause as Error).message, { cause });
  }
}
