import type { Command } from 'commander';
import { callPart, globalsOf } from '../context.ts';
import { print, type View } from '../output.ts';
import { addTrustedProvider } from './trusted-provider.ts';

interface ProviderSummary {
  readonly provider: string;
  readonly name: string;
  readonly kind: string;
  readonly uses: readonly string[];
  readonly available: boolean;
  readonly health: string;
  readonly details: readonly string[];
}

interface ProviderCheck {
  readonly name: string;
  readonly provider: string;
  readonly kind: string;
  readonly uses: readonly string[];
}

const listView: View<ProviderSummary> = {
  columns: [
    ['provider', ({ name }) => name],
    ['kind', ({ kind }) => kind],
    ['state', ({ available }) => (available ? 'available' : 'not available')],
    ['health', ({ health, details }) => [health, details.join('; ')].filter((text) => text !== '').join(': ')],
    ['keys may', ({ uses }) => uses.join(', ')],
    ['id', ({ provider }) => provider],
  ],
  name: ({ name }) => name,
  empty: 'this host may use no key provider',
};

const checkView: View<ProviderCheck> = {
  fields: [
    ['provider', ({ name }) => name],
    ['id', ({ provider }) => provider],
    ['check', () => 'a new key was made, came back the same, and was discarded'],
    ['keys may', ({ uses }) => uses.join(', ')],
  ],
  name: ({ name }) => name,
};

const path = '/trusted-infrastructure/kms/providers';

/** `vouchsafe provider`: the key providers of this host. */
export function addProvider(program: Command): void {
  const provider = program.command('provider').description('key providers that this host may use');
  addTrustedProvider(provider);
  provider
    .command('list')
    .description(
      'list those of the Trust Authority and those that a center gave; attests this host when it has no token',
    )
    .addHelpText('after', '\nExamples:\n  vouchsafe provider list\n  vouchsafe provider list -o name')
    .action(async (_options, command: Command) => {
      print((await callPart(command, 'kmxa', 'GET', path)) as ProviderSummary[], listView, globalsOf(command).output);
    });
  provider
    .command('check <name>')
    .description('show that this host can have a key: one is made, opened again and discarded')
    .addHelpText('after', '\nExamples:\n  vouchsafe provider check demo\n  vouchsafe provider check demo -o json')
    .action(async (name: string, _options, command: Command) => {
      const checked = await callPart(command, 'kmxa', 'POST', `${path}/${encodeURIComponent(name)}/check`);
      print(checked as ProviderCheck, checkView, globalsOf(command).output);
    });
}
