import { bootRules, ruleIds } from '@vouchsafe/domain/attestation/boot-rules/table';
import { ekQuirks } from '@vouchsafe/domain/attestation/ek-quirks';
import { findings } from '@vouchsafe/domain/attestation/findings';
import { quirks } from '@vouchsafe/eventlog/quirks';
import { code, page, table } from './markdown.ts';

/** `docs/findings.md`. */
export function findingsPage(): string {
  return page(
    'Findings',
    'packages/domain/src/attestation/findings.ts, the rules and the quirks of EK certificates beside it, and the peculiarities of packages/eventlog',
    'All that a verdict can hold. A `fail` refuses the host, a `warn` should be looked into, an `info` is told. `vouchsafe host attest` shows them on the host, `vouchsafe host explain` on a Trust Authority host.',
    table(
      ['finding', 'what it stops or tells', 'what to do'],
      Object.entries(findings).map(([id, { stops, advice }]) => [code(id), stops, advice]),
    ),
    '## Rules',
    'A rule that is switched on and broken. `vouchsafe rules list` shows what each is set to.',
    table(
      ['finding', 'what it stops', 'what to do'],
      ruleIds.map((id) => [code(`rule.${id}`), bootRules[id].stops, bootRules[id].advice]),
    ),
    '## Known peculiarities',
    'Firmware, loaders and kernels that do not follow the standard, in ways that are known and that change nothing about what is proven. Always `info`.',
    table(
      ['finding', 'what it is', 'where it was seen'],
      Object.entries(quirks).map(([id, { text, source }]) => [code(`quirk.${id}`), text, source]),
    ),
    '## Peculiarities of EK certificates',
    'What TPMs hold in the place of a strict certificate, and what is borne in no other certificate than that of an EK. Always `info`.',
    table(
      ['finding', 'what it is', 'where it stands or was seen'],
      Object.entries(ekQuirks).map(([id, { says, source }]) => [code(`quirk.${id}`), says, source]),
    ),
  );
}
