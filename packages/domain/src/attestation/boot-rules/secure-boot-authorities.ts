import { hex } from '@vouchsafe/bytes/hex';
import { digest } from '@vouchsafe/eventlog/algorithms';
import { authorityText } from '@vouchsafe/eventlog/facts/authority';
import { printable } from '@vouchsafe/eventlog/text';
import { rule } from './rule.ts';
import { Digests } from './values.ts';

/** What shim measures as authority and what verified nothing: its settings. */
const settings = ['SbatLevel', 'MokListTrusted'];

/** Who verified loader and kernel. */
export const secureBootAuthorities = rule({
  help: 'Loader and kernel were verified by one of these certificates or hashes, by SHA-256, and by nothing else; empty: any that the image has.',
  stops: 'a loader that is signed by a key which db trusts and you do not, such as the one for third parties',
  advice:
    'see which certificate verified the loader in `vouchsafe host explain`; add it to the rule only if it is yours to trust',
  needs: 'the authorities of PCR 7',
  schema: Digests,
  default: [],
  check(allowed, { facts }) {
    const used = facts.authorities.filter(({ value }) => !settings.includes(value.variable));
    if (used.length === 0) return [{ detail: 'nothing says who verified loader and kernel', pcr: 7 }];
    return used
      .filter(({ value }) => !allowed.includes(hex(value.data)) && !allowed.includes(hex(digest('sha256', value.data))))
      .map(({ value, event }) => ({
        detail: `verified by ${printable(authorityText(value), 200)}, which the rule does not name`,
        pcr: 7,
        event,
      }));
  },
});
