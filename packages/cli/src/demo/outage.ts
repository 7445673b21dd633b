import { guestSays } from '@vouchsafe/testing/guest-disk';
import { type DemoStage, expect, vmOf } from './stage.ts';

const bootLimit = 90_000;

/** Without the Trust Authority running guests go on and nothing new starts; with it everything works again. */
export async function outage(stage: DemoStage): Promise<string[]> {
  const [running, waiting] = [vmOf(stage, 'vm1'), vmOf(stage, 'vm2')];
  const { libvirt } = stage.site.host('host1');
  await stage.site.authority.stop();
  await running.line.waitFor(guestSays.tick, bootLimit, await running.line.mark());
  const { code, stderr } = await libvirt.virsh(['start', waiting.name]);
  const said = /vouchsafe: (.*)/.exec(stderr)?.[1]?.trim() ?? stderr.trim();
  expect(code !== 0, 'vm2 started although no Trust Authority answers');
  expect(
    /no service of the Trust Authority answers/.test(said),
    `vm2 should be refused for the outage, it was told: ${said}`,
  );
  await stage.site.authority.start();
  await libvirt.mustVirsh(['start', waiting.name]);
  await waiting.line.waitFor(guestSays.marker(waiting.marker), bootLimit);
  return ['stopped: vm1 goes on ticking on host2', `a new start: ${said}`, 'started again: vm2 boots'];
}
