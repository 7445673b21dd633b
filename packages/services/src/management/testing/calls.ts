import assert from 'node:assert/strict';
import { Problem, type ProblemKind } from '@vouchsafe/domain/problem';
import type { HttpClient } from '../../http/client.ts';
import type { Operation } from '../operation.ts';

/** One call of the management API and what comes of it: a value that the answer must equal, or a problem. */
export interface Call {
  readonly call: readonly [method: Operation['method'], path: string, body?: unknown];
  readonly gives?: unknown;
  readonly fails?: ProblemKind;
  /** What the problem's text must match, for instance the name of the field. */
  readonly naming?: RegExp;
}

/** Makes the calls one after the other. */
export async function play(client: HttpClient, calls: readonly Call[]): Promise<void> {
  for (const { call, gives, fails, naming = /./ } of calls) {
    const said = JSON.stringify(call).slice(0, 200);
    try {
      const { body } = await client.call(...call);
      assert.equal(fails, undefined, `${said} was accepted`);
      assert.deepEqual(body, gives, said);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      assert.deepEqual([error.kind, naming.test(error.message)], [fails, true], `${said}: ${error.message}`);
    }
  }
}

/** That every operation of a table was called by `calls` at least once, well and badly. */
export function assertCovered(operations: readonly Operation[], calls: readonly Call[]): void {
  for (const { method, path, name } of operations) {
    const pattern = new RegExp(`^${path.replaceAll(/:\w+/g, '[^/?]+')}(?:\\?.*)?$`);
    const hits = calls.filter(({ call }) => call[0] === method && pattern.test(call[1]));
    assert.ok(
      hits.some(({ fails }) => fails === undefined),
      `${name} was never called with good input`,
    );
    const mayFail = path.includes(':') || method === 'POST' || method === 'PUT' || method === 'PATCH';
    assert.ok(!mayFail || hits.some(({ fails }) => fails !== undefined), `${name} was never called with bad input`);
  }
}
