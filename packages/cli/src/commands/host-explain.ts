import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import type { Explanation } from '@vouchsafe/domain/attestation/explanation';
import type { Command } from 'commander';
import { callPart, globalsOf } from '../context.ts';
import { writeNew } from '../files.ts';
import { print, say, type View } from '../output.ts';

type Explained = Explanation & { readonly since: string; readonly last: string };

const view: View<Explained> = {
  fields: [
    ['host', ({ host }) => host],
    ['verdict', ({ attested, image }) => (attested ? `attested, base image ${image}` : 'REFUSED')],
    ['since', ({ since }) => since],
    ['last', ({ last }) => last],
    ['nearest image', ({ nearest }) => nearest && `${nearest.image} ${nearest.version}`.trim()],
    ['changed', ({ nearest }) => nearest?.changed.map(({ part, text }) => `${part}: ${text}`)],
    ['unchanged', ({ nearest }) => nearest?.unchanged.join(', ')],
    ['events', ({ nearest }) => nearest?.events.map(({ text }) => text)],
    ['staged', ({ staged }) => staged.map((name) => `would be attested if base image ${name} were active`)],
    ['findings', findingTexts],
  ],
  name: ({ host }) => host,
};

/** What refuses comes first; the events that differ stand above already. */
function findingTexts({ findings, omitted = 0, nearest }: Explained): string[] {
  const order = ['fail', 'warn', 'info'];
  const told = findings.filter(({ check }) => nearest === undefined || !check.startsWith('image.difference'));
  const texts = told
    .filter(({ check, pcr }) => nearest === undefined || check !== 'image.match' || pcr === undefined)
    .toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity))
    .map(
      ({ severity, check, detail, advice }) =>
        `${severity} ${check}: ${detail}${advice === undefined ? '' : ` (${advice})`}`,
    );
  return omitted > 0 ? [...texts, `and ${omitted} more`] : texts;
}

const hostPath = (name: string) => `/attestation/hosts/${encodeURIComponent(name)}`;

/** `vouchsafe host explain`: why a host was attested or refused, on a Trust Authority host. */
export function addHostExplain(host: Command): void {
  host
    .command('explain <name>')
    .description('say why a host was attested or refused last, on a Trust Authority host; leaves with 3 when refused')
    .option('--amendment <file>', 'write a base image of what the refused host booted, for `vouchsafe image import`')
    .addHelpText(
      'after',
      '\nWhat differs is told by facts that the event logs prove, then event by event. An amendment is made from the\nevidence that the TPM of the host signed; look at what changed before you import and activate it.\n\nExamples:\n  vouchsafe host explain kvm1\n  vouchsafe host explain kvm1 --amendment new.json; vouchsafe image import new.json',
    )
    .action(async (name: string, { amendment }: { amendment?: string }, command: Command) => {
      const explained = (await callPart(command, 'attestd', 'GET', `${hostPath(name)}/explanation`)) as Explained;
      print(explained, view, globalsOf(command).output);
      if (!explained.attested) process.exitCode = 3;
      if (amendment !== undefined) await writeAmendment(command, name, amendment);
      else if (explained.nearest !== undefined)
        say(
          `if you wanted this change: vouchsafe host explain ${name} --amendment FILE; otherwise treat it as broken into`,
        );
    });
}

async function writeAmendment(command: Command, name: string, file: string): Promise<void> {
  const { image, coverage } = (await callPart(command, 'attestd', 'GET', `${hostPath(name)}/amendment`)) as {
    image: BaseImage;
    coverage: string;
  };
  writeNew(file, `${JSON.stringify(image, undefined, 2)}\n`);
  say(`${file}: base image ${image.name}, ${coverage}; it counts when it is imported and activated:`);
  say(`vouchsafe image import ${file}; vouchsafe image activate ${image.name}`);
}
