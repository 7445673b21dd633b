import type { Serial } from '@vouchsafe/testing/serial';
import type { Site } from '@vouchsafe/testing/site/site';

/** A VM of the demonstration. */
export interface DemoVm {
  readonly name: string;
  readonly uuid: string;
  readonly disk: string;
  readonly marker: string;
  readonly line: Serial;
}

/** What the steps of the demonstration work on and hand on to each other. */
export interface DemoStage {
  readonly site: Site;
  readonly folder: string;
  readonly vms: Map<string, DemoVm>;
}

/** One step: what it says it does, and the doing. It returns what was seen, and throws when it was not what it should be. */
export interface DemoStep {
  readonly name: string;
  readonly title: string;
  readonly run: (stage: DemoStage) => Promise<readonly string[]>;
}

export function vmOf({ vms }: DemoStage, name: string): DemoVm {
  const vm = vms.get(name);
  if (vm === undefined) throw new TypeError(`no VM ${name}`);
  return vm;
}

/** @throws {Error} saying what was expected */
export function expect(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
