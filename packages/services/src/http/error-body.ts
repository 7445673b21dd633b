import { Problem, type ProblemKind, problems } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import { Compile } from 'typebox/compile';

/** An error in the vendor's form (vAPI errors in REST), with the problem's kind as message id. */
export const ErrorBody = Type.Object({
  error_type: Type.String(),
  messages: Type.Array(
    Type.Object({ id: Type.String(), default_message: Type.String(), args: Type.Array(Type.String()) }),
  ),
  data: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});
export type ErrorBody = Type.Static<typeof ErrorBody>;

const prefix = 'vouchsafe.';
const compiled = Compile(ErrorBody);

export function errorBody(problem: Problem): ErrorBody {
  const { error } = problem.facts;
  const messages = [{ id: prefix + problem.kind, default_message: problem.message, args: [] }];
  const data = Object.keys(problem.data).length > 0 ? { data: { ...problem.data } } : {};
  return { error_type: error, messages, ...data };
}

/** The problem that an error answer tells; an answer in another form is an internal error of the other side. */
export function problemOf(status: number, body: unknown): Problem {
  if (compiled.Check(body)) {
    const [first] = body.messages;
    const kind = first?.id.slice(prefix.length) ?? '';
    if (kind in problems)
      return new Problem(kind as ProblemKind, first?.default_message ?? '', { data: body.data ?? {} });
  }
  return new Problem('internal', `the other side answered with status ${status}`);
}
