import { styleText } from 'node:util';
import { Problem } from '@vouchsafe/domain/problem';
import { ensurePackages } from '@vouchsafe/testing/debian';
import { Site } from '@vouchsafe/testing/site/site';
import { sweepWorkdirs, Workdir } from '@vouchsafe/testing/workdir';
import { requireRoot } from '../context.ts';
import { progressLine, say } from '../output.ts';
import type { DemoStage } from './stage.ts';
import { demoSteps } from './steps.ts';

/** What one step came to. */
interface Outcome {
  readonly step: number;
  readonly name: string;
  readonly ok: boolean;
  readonly seconds: number;
  readonly detail: readonly string[];
}

/**
 * Runs the demonstration. A step that does not do what it should ends it: what comes after builds on it. Everything is
 * cleaned up either way.
 * @returns the exit code: 0 only when every step did what it should
 */
export async function runDemo(json: boolean): Promise<number> {
  refuseOtherMachines();
  await ensurePackages('demo', say);
  await sweepWorkdirs();
  const report = json ? reportAsJson : reportInWords();
  const outcomes: Outcome[] = [];
  const work = await Workdir.create('demo');
  const site = await Site.create(work.path);
  const stage: DemoStage = { site, folder: work.path, vms: new Map() };
  const stopOnSignal = closeOnSignal(async () => await cleanUp(site, work));
  try {
    for (const [i, { name, title, run }] of demoSteps.entries()) {
      report.begin(i + 1, title);
      const outcome = await runStep(i + 1, name, async () => {
        if (name !== 'summary') return await run(stage);
        await cleanUp(site, work);
        return summary(outcomes);
      });
      outcomes.push(outcome);
      report.end(outcome);
      if (!outcome.ok) break;
    }
  } finally {
    stopOnSignal();
    await cleanUp(site, work);
  }
  return outcomes.length === demoSteps.length && outcomes.every(({ ok }) => ok) ? 0 : 1;
}

async function runStep(step: number, name: string, run: () => Promise<readonly string[]>): Promise<Outcome> {
  const start = performance.now();
  const seconds = () => Math.round((performance.now() - start) / 10) / 100;
  try {
    const detail = await run();
    return { step, name, ok: true, seconds: seconds(), detail };
  } catch (error) {
    const hint = error instanceof Problem ? [`what to do: ${error.facts.hint}`] : [];
    return { step, name, ok: false, seconds: seconds(), detail: [(error as Error).message, ...hint] };
  }
}

function summary(outcomes: readonly Outcome[]): string[] {
  const seconds = outcomes.reduce((sum, outcome) => sum + outcome.seconds, 0);
  return [
    `${outcomes.length} steps in ${seconds.toFixed(1)} s, each did what it should`,
    'keys went only to hosts that are ours and proved what they booted; every refusal that had to come came',
    'everything that was started is stopped and removed',
  ];
}

async function cleanUp(site: Site, work: Workdir): Promise<void> {
  await site[Symbol.asyncDispose]();
  await work[Symbol.asyncDispose]();
}

function refuseOtherMachines(): void {
  requireRoot('the demo makes namespaces, mounts and libvirt hosts');
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Problem(
      'host.unsupported',
      `the demo needs x86-64 Linux, this is ${process.arch} ${process.platform}: its recorded boots and guests are x86-64`,
    );
  }
}

/** Ctrl-C must leave nothing behind either. */
function closeOnSignal(close: () => Promise<void>): () => void {
  const stop = (signal: NodeJS.Signals) => {
    say(`${signal}: cleaning up`);
    void close().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  return () => {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  };
}

interface Report {
  begin(step: number, title: string): void;
  end(outcome: Outcome): void;
}

const reportAsJson: Report = {
  begin: () => undefined,
  end: (outcome) => void process.stdout.write(`${JSON.stringify(outcome)}\n`),
};

function reportInWords(): Report {
  const line = progressLine();
  let title = '';
  return {
    begin(step, text) {
      title = `${String(step).padStart(2)}  ${text}`;
      line.show(`${title} ...`);
    },
    end({ ok, seconds, detail }) {
      const mark = ok
        ? styleText('green', 'ok', { stream: process.stderr })
        : styleText('red', 'FAILED', { stream: process.stderr });
      line.done(`${title}: ${mark}, ${seconds.toFixed(1)} s`);
      for (const each of detail) process.stderr.write(`      ${each}\n`);
    },
  };
}
