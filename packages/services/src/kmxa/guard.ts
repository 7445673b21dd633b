import { Problem } from '@vouchsafe/domain/problem';
import type { AgentConfig } from '../config/host.ts';
import { stateDirectoryOnMemory, swapIsSafe, tpmDeviceAccess } from '../host-setup/runtime-checks.ts';

/**
 * Refuses to release keys on a host that would leave them where a thief of its disk finds them, or whose TPM others
 * may use as this host. Asked before every release, since mounts and modes change while an agent runs.
 * @throws {Problem} `host.state-dir-on-disk`, `host.swap-unsafe`, `host.tpm-exposed`
 */
export async function refuseUnsafeHost({ qemu_state, tpm }: AgentConfig): Promise<void> {
  if (!(await stateDirectoryOnMemory(qemu_state).catch(() => false))) {
    throw new Problem(
      'host.state-dir-on-disk',
      `${qemu_state} is not in memory: a stolen disk would open the running VMs`,
    );
  }
  const swap = await swapIsSafe();
  if (!swap.safe) throw new Problem('host.swap-unsafe', swap.unsafe.join(', '));
  const { problems } = await tpmDeviceAccess(tpm.replace(/^unix:/, ''));
  if (problems.length > 0) throw new Problem('host.tpm-exposed', problems.join('; '));
}
