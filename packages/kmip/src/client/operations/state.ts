import { attributeValue } from '../../attribute.ts';
import type { state as states } from '../../enums.ts';
import { KmipError } from '../../error.ts';
import { getAttributes } from '../../operations/get-attributes.ts';
import type { Cluster } from '../cluster.ts';
import type { Endpoint } from '../endpoint.ts';
import { isMissing } from '../fail-over.ts';
import type { CallOptions } from '../options.ts';
import { expectId } from './expect.ts';

/** KMIP 1.4, 9.1.3.2.18. */
export type State = keyof typeof states;

/** What one server says. */
export interface ServerState {
  readonly server: string;
  readonly state: State | undefined;
  /** Why the server said no state. */
  readonly error: KmipError | undefined;
}

/** The state of an object on all servers that could be asked. */
export interface ObjectState {
  /** The most restrictive one. */
  readonly state: State;
  /** Every server that answered has the object, in this state. */
  readonly agreed: boolean;
  readonly servers: readonly ServerState[];
}

/** From what may be used for everything to what is gone. Servers that disagree: the last one holds. */
const byRestriction: readonly State[] = [
  'Active',
  'Pre-Active',
  'Deactivated',
  'Compromised',
  'Destroyed',
  'Destroyed Compromised',
];

/**
 * The state of an object, asked of every server at once: after a split, one of them may not know that the key was given
 * up. Fails only when no server says a state.
 */
export const state =
  (cluster: Cluster) =>
  async (id: string, options: CallOptions = {}): Promise<ObjectState> => {
    const deadline = cluster.deadline(options);
    const asked = cluster.endpoints.some(({ breaker }) => breaker.state === 'closed')
      ? cluster.tryUntil(deadline)
      : deadline;
    const answers = await cluster.everywhere((at) => stateAt(cluster, at, id, asked));
    const servers = answers.map(([{ name }, answer]): ServerState => {
      const error = answer instanceof KmipError ? answer : undefined;
      return { server: name, state: answer instanceof KmipError ? undefined : answer, error };
    });
    const known = servers.flatMap((each) => each.state ?? []);
    const strictest = byRestriction.findLast((each) => known.includes(each));
    if (strictest === undefined) throw nobodyKnows(id, servers);
    const answered = servers.filter(({ error }) => error === undefined || error.code === 'operation.failed');
    return { state: strictest, agreed: answered.every((each) => each.state === strictest), servers };
  };

async function stateAt(cluster: Cluster, at: Endpoint, id: string, deadline: number): Promise<State> {
  const answer = await cluster.send(getAttributes, { id, names: ['State'] }, { at, deadline });
  expectId('Get Attributes', id, answer.id);
  const value = attributeValue(answer.attributes, 'State');
  if (value === undefined) throw new KmipError('answer.invalid', `Get Attributes: ${at.name} says no State of ${id}`);
  return value;
}

/** A refusal says more than silence, but only if no server is silent. */
function nobodyKnows(id: string, servers: readonly ServerState[]): KmipError {
  const errors = servers.flatMap(({ error }) => error ?? []);
  const silent = errors.find(({ code }) => code !== 'operation.failed');
  const refused = errors.find((each) => !isMissing(each)) ?? errors[0]!;
  if (silent === undefined || errors.length === 1) return refused;
  const all = errors.map(({ message }) => message).join('; ');
  return new KmipError(silent.code, `the state of ${id} is not known: ${all}`, { cause: errors });
}
