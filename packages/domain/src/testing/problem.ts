import assert from 'node:assert/strict';
import { Problem, type ProblemKind } from '../problem.ts';

/** For `assert.rejects` and `assert.throws`: a problem of this kind whose text matches. */
export const problem =
  (kind: ProblemKind, text = /./) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof Problem, `expected a Problem, found ${String(error)}`);
    assert.equal(error.kind, kind);
    assert.match(error.message, text);
    return true;
  };
