import sea from 'node:sea';
import type { WorkerCode } from '@vouchsafe/luks/pool';

/** Name under which a single executable carries the bundled code of the conversion's threads. */
export const workerAsset = 'luks-worker.js';

/** Where the threads of a conversion find their code: beside their module, or inside a single executable. */
export const converterCode = (): WorkerCode | undefined =>
  sea.isSea() ? { source: sea.getAsset(workerAsset, 'utf8') } : undefined;
