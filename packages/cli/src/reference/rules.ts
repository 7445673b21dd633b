import type { RuleValue } from '@vouchsafe/domain/attestation/boot-rules/rule';
import { bootRules, ruleIds } from '@vouchsafe/domain/attestation/boot-rules/table';
import { code, page, table } from './markdown.ts';

/** Longer lists stand in a section of their own. */
const short = 3;

function defaultText(value: RuleValue): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'string') return value === '' ? 'empty' : code(value);
  return value.length === 0 ? 'empty' : value.length <= short ? value.map(code).join(' ') : 'see below';
}

/** `docs/rules.md`. */
export function rulesPage(): string {
  const long = ruleIds.filter((id) => {
    const value: RuleValue = bootRules[id].default;
    return Array.isArray(value) && value.length > short;
  });
  return page(
    'Rules about what hosts booted',
    'the rules in packages/domain/src/attestation/boot-rules',
    'A host must match a base image as a whole; rules ask more of it. **A rule can only refuse**: no rule lets a host pass that matches no image. Two say how an image is compared: `secure-boot.match` and `boot.attempts-ignored`.',
    'Rules are about facts that the event log *proves*: the digest of an event is the hash of its text, and the TPM signed the PCR. What a log merely says is never looked at. A fact that is not proven breaks the rule that needs it, and the finding says which fact.',
    '```sh\nvouchsafe rules list\nvouchsafe rules show cmdline.forbidden\nvouchsafe rules set secure-boot.required on\nvouchsafe rules set cmdline.required "lockdown=*" ima_policy=tcb\nvouchsafe rules set cmdline.forbidden --remove "crashkernel=*"\nvouchsafe rules reset cmdline.forbidden\n```',
    'In files for [apply](apply.md) a rule is `true` or `false`, a text, or a list of texts. A rule is refused when it is written if it would accept everything (a glob such as `*`), contradicts another, or is broken by an active base image: change the rule, or retire the image.',
    'Globs: `*` stands for any characters, `?` for one, `[a-z]` for one of them. In rules about the command line, `-` and `_` are the same in names, a glob behind `!` is an exception, and a parameter is looked at as the kernel splits it, as a shell script splits it, and without quotes.',
    table(
      ['rule', 'what it asks', 'default', 'needs proven'],
      ruleIds.map((id) => [code(id), bootRules[id].help, defaultText(bootRules[id].default), bootRules[id].needs]),
    ),
    ...long.flatMap((id) => [
      `## Default of ${id}`,
      (bootRules[id].default as readonly string[]).map((each) => `* ${code(each)}`).join('\n'),
    ]),
    '## What is never asked',
    "PCR 1 (boot order, settings of the board), PCR 5 (partition table, boot manager) and PCR 6 (the maker's own) are no part of an image: they differ between alike hosts. `boot.options` looks at the boot menu in PCR 1 all the same. Lowest versions of kernel, shim and dbx are minimums, not rules: `vouchsafe image minimums`.",
  );
}
