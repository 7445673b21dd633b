import { providerEvents } from '@vouchsafe/domain/keys/provider-events';
import { code, page, table } from './markdown.ts';

/** `docs/events.md`. */
export function eventsPage(): string {
  return page(
    'Events of key providers',
    'packages/domain/src/keys/provider-events.ts',
    'What is told of key providers and of the keys of VMs. Each is one line of JSON in the log of the part that tells it (`/var/lib/vouchsafe/log/kmxa.log` for those of VMs): `event` is the id, `msg` the sentence, `advice` what to do. The three key errors are `key.not-added` (a host was not reached, or cannot take the key), `key.missing` (the key server does not have it) and `key.server-unreachable`.',
    table(
      ['event', 'severity', 'text', 'what to do', 'in the vendor contract'],
      Object.entries(providerEvents).map(([id, { severity, text, advice, vendor }]) => [
        code(id),
        severity,
        text,
        advice,
        vendor === undefined ? '' : code(`com.vmware.vc.${vendor}`),
      ]),
    ),
  );
}
