import type { WorkerConfig } from '@taskyard/worker';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, serverOf } from './connected.ts';
import { builtInTaskQueueId } from './group/submit.ts';
import { wholeNumber } from './input.ts';
import { type Io, say, sayJsonLine } from './io.ts';
import { untilInterrupted } from './serve.ts';

interface WorkerOptions extends ConnectedOptions {
  readonly taskQueueId?: string;
  readonly workerGroup?: string;
  readonly workerId?: string;
  readonly capacity?: number;
  readonly engine?: string;
  readonly workDir?: string;
  readonly idleTimeout?: number;
}

/** What the command line says; what is undefined comes from the worker's own environment, or its defaults. */
const givenSettings = (io: Io, options: WorkerOptions): Partial<WorkerConfig> => {
  const { rootUrl, credentials } = serverOf(io, options);
  const { certificate } = credentials ?? {};
  const { taskQueueId, workerGroup, workerId, capacity, engine, workDir, idleTimeout } = options;
  const given = {
    rootUrl,
    clientId: credentials?.clientId,
    accessToken: credentials?.accessToken,
    certificate: typeof certificate === 'object' ? JSON.stringify(certificate) : certificate,
    taskQueueId: taskQueueId ?? io.environment.workerTaskQueueId ?? builtInTaskQueueId,
    workerGroup,
    workerId,
    capacity,
    engine,
    workDir,
    idleTimeoutSeconds: idleTimeout,
  };
  return given as Partial<WorkerConfig>;
};

/** `taskyard worker` */
export const workerCommand = (io: Io): Command =>
  connectedCommand('worker')
    .description(
      'Run a worker for a server until SIGTERM or Ctrl-C; what it runs then is run again elsewhere.',
    )
    .option(
      '--task-queue-id <taskQueueId>',
      `the task queue whose tasks it runs (default: ${builtInTaskQueueId})`,
    )
    .option('--worker-group <name>', 'the group that it names itself part of (default: local)')
    .option('--worker-id <name>', "its name in the group (default: the machine's)")
    .option('--capacity <count>', 'tasks at once (default: 1)', wholeNumber)
    .option('--engine <name>', 'process, bubblewrap or auto (default: auto)')
    .option('--work-dir <path>', 'where tasks and caches live (default: .taskyard-worker)')
    .option('--idle-timeout <seconds>', 'leave after this time without a task (default: never)', wholeNumber)
    .action(async (options: WorkerOptions) => {
      const { jsonLinesLog, readWorkerConfig, startWorker } = await import('@taskyard/worker');
      const settings = readWorkerConfig(givenSettings(io, options));
      const interrupted = untilInterrupted(io);
      const log = jsonLinesLog(
        (line) => void io.stderr.write(line),
        () => new Date(),
      );
      const worker = startWorker({ ...settings, log });
      await worker.started;
      const { rootUrl, taskQueueId, workerGroup, workerId } = settings;
      if (options.json) sayJsonLine(io, { rootUrl, taskQueueId, workerGroup, workerId });
      else say(io, `Worker ${workerGroup}/${workerId} takes tasks of ${taskQueueId} from ${rootUrl}`);
      await Promise.race([interrupted, worker.stopped]);
      await worker.stop();
    });
