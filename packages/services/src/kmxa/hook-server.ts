import { Problem } from '@vouchsafe/domain/problem';
import { describeDomain } from '@vouchsafe/domain/profile/description';
import type { Logger } from 'pino';
import type { Reply, Route } from '../http/server.ts';
import type { VmKeys } from './vm-keys.ts';

/** Largest domain XML that is read, in bytes. */
const xmlLimit = 1024 * 1024;

/**
 * What the libvirt hook asks: `POST /hook/OPERATION/SUBOPERATION` with the domain XML. The answer's text is what the
 * user of virsh reads.
 */
export const hookRoutes = (keys: VmKeys, log: Logger): Route[] => [
  {
    method: 'POST',
    path: '/hook/:operation/:sub',
    bodyLimit: xmlLimit,
    async handle({ params: { operation = '', sub = '' }, raw }): Promise<Reply> {
      const act = actions[`${operation}/${sub}`];
      if (act === undefined) return { status: 204 };
      try {
        await act(keys, raw);
        return { status: 204 };
      } catch (error) {
        log.warn({ operation, sub, reason: (error as Error).message }, 'hook refused');
        return refusal(error);
      }
    },
  },
];

type Action = (keys: VmKeys, xml: string) => Promise<void>;

const drop: Action = async (keys, xml) => await keys.drop(describeDomain(xml).uuid);

const actions: Readonly<Record<string, Action | undefined>> = {
  'prepare/begin': (keys, xml) => keys.load(xml),
  'started/begin': drop,
  'release/end': drop,
};

/** One sentence with what to do, for the line that virsh prints. */
function refusal(error: unknown): Reply {
  if (!(error instanceof Problem)) return { status: 500, text: 'internal error of the agent; its log has the details' };
  const { status, title, hint } = error.facts;
  return { status, text: `${title}: ${error.message} (${hint})` };
}
