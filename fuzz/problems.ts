import { Problem, type ProblemKind } from '@vouchsafe/domain/problem';

/** Problems of these kinds. */
export const problemsOf =
  (...kinds: readonly ProblemKind[]) =>
  (error: unknown): boolean =>
    error instanceof Problem && kinds.includes(error.kind);
