import { parentPort, workerData } from 'node:worker_threads';
import { type Order, work } from './order.ts';

/**
 * Entry of a conversion worker. Bundled to one CommonJS text it also runs inside a single executable, where no file
 * can be named: see `WorkerCode`.
 */
work(workerData as Order, (report) => parentPort?.postMessage(report));
