// A worker in a process of its own, for tests that kill it:
// node doomed-worker.js <rootUrl> <workDir> <engine> [other options, as JSON]

import type { EngineChoice } from '../engines/index.ts';
import { startWorker } from '../worker.ts';

const [rootUrl = '', workDir = '', engine, options = '{}'] = process.argv.slice(2);
startWorker({
  rootUrl,
  workDir,
  engine: engine as EngineChoice,
  credentials: { clientId: 'worker', accessToken: 'secret' },
  taskQueueId: 'test/worker',
  workerGroup: 'group',
  workerId: 'doomed',
  ...JSON.parse(options),
});
