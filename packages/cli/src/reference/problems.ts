import { type ProblemFacts, problems } from '@vouchsafe/domain/problem';
import { code, page, table } from './markdown.ts';

/** `docs/problems.md`. */
export function problemsPage(): string {
  const rows = Object.entries<ProblemFacts>(problems).map(([kind, { title, status, error, exit, hint }]) => [
    code(kind),
    title,
    String(status),
    code(error),
    String(exit),
    hint,
  ]);
  return page(
    'Problems',
    'packages/domain/src/problem.ts',
    'Every way in which Vouchsafe says no. A message has the form `TITLE: DETAIL`, and a hint with what to do. In an HTTP answer the kind stands in `messages[0].id` behind `vouchsafe.`, for instance `vouchsafe.keysafe.rollback`, and `error_type` is that of the vendor contract. [operations.md](operations.md) tells what to do about those that a start of a VM can meet.',
    'Exit codes: 1 usage or local, 2 server or network, 3 checked and not trusted, 4 not allowed.',
    table(['kind', 'title', 'status', 'error_type', 'exit', 'what to do'], rows),
  );
}
