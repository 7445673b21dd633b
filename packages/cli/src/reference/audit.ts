import { auditEvents } from '@vouchsafe/domain/audit/events';
import type { AuditRecord } from '@vouchsafe/domain/audit/record';
import { code, page, table } from './markdown.ts';

const fields: Readonly<Record<keyof AuditRecord, string>> = {
  seq: 'Number of the record. Counts from 1 without gaps.',
  prev: 'base64url(SHA-256) of the line before, without its line end; of nothing for the first record.',
  time: 'ISO 8601, UTC, milliseconds; the clock of the host.',
  part: 'The part that wrote it: `host`, `attestd`, `kmxd` or `kmxa`; `kms` for the key server.',
  action: 'One of the actions below.',
  actor:
    '`{kind, id}`: who. `user` is an administrator (`local-root` until centers exist), `host` a trusted host (its endorsement key), `part` a part or the libvirt hook.',
  target: '`{kind, id}`: on what. A KEK is named by the SHA-256 of its ciphertext, a VM by its UUID.',
  outcome: '`success` or `failure`.',
  problem: 'Kind of the problem, where the outcome is `failure`; see [problems.md](problems.md).',
  detail: 'What else is known. Never a secret.',
};

/** `docs/audit.md`. */
export function auditPage(): string {
  return page(
    'Audit records',
    'packages/domain/src/audit',
    'Each part writes `STATE/audit/PART.jsonl`: JSON lines, each chained to the line before by a hash, each on the disk before the act that it tells is answered. A part that cannot write its record refuses the act (`audit.unwritable`), so a full disk stops releases.',
    '`vouchsafe audit verify FILE` checks the chain. It finds a record that was changed, removed or added in between. It cannot find that records at the *end* were cut off: for that, keep the head that it prints (number and hash) somewhere else, and compare. Whoever is root on the host can write a whole new chain; ship the lines elsewhere as they come.',
    'A part that starts reads the last record only, goes on behind it, and cuts off a line that a crash left unfinished. It does not start when the last record is none: move the file away and keep it; the part begins a new chain. The whole chain is checked by `vouchsafe audit verify` alone.',
    '## Fields',
    table(
      ['field', 'meaning'],
      Object.entries(fields).map(([name, meaning]) => [code(name), meaning]),
    ),
    '## Actions',
    table(
      ['action', 'meaning'],
      Object.entries(auditEvents).map(([action, meaning]) => [code(action), meaning]),
    ),
  );
}
