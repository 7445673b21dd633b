/** A key server in a process of its own, which may be killed at any time. Arguments: data folder, port. */
import { serveKms } from '../serve.ts';

const [dataDir, port] = process.argv.slice(2);
await serveKms({ dataDir: dataDir!, listen: { host: '127.0.0.1', port: Number(port) } });
process.send!('ready');
// Whoever started it is gone.
process.once('disconnect', () => process.exit());
