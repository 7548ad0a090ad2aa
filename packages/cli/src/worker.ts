import { readFileSync } from 'node:fs';
import type { WorkerConfig } from '@taskyard/worker';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { type ConnectedOptions, connectedCommand, serverOf } from './connected.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { builtInTaskQueueId } from './group/submit.ts';
import { wholeNumber } from './input.ts';
import { type Io, say, sayJsonLine } from './io.ts';
import { runTaskCommand } from './run-task.ts';
import { untilInterrupted } from './serve.ts';
import { workerFleetCommands } from './worker-fleet/index.ts';
import { workerSchemaCommand } from './worker-schema.ts';

interface WorkerOptions extends ConnectedOptions {
  readonly config?: string;
  readonly provider?: string;
  readonly taskQueueId?: string;
  readonly workerGroup?: string;
  readonly workerId?: string;
  readonly capacity?: number;
  readonly engine?: string;
  readonly workDir?: string;
  readonly idleTimeout?: number;
}

/** The settings of a YAML file, by their names in the file. */
const settingsIn = (path: string | undefined): Record<string, unknown> => {
  if (path === undefined) return {};
  try {
    const settings: unknown = parse(readFileSync(path, 'utf8'));
    if (typeof settings !== 'object' || settings === null) throw new Error('it holds no settings');
    return settings as Record<string, unknown>;
  } catch (error) {
    throw new CommandError(
      exitCodes.workerFileUnreadable,
      `${path} cannot be read: ${(error as Error).message}`,
    );
  }
};

/** The server of a worker. One that registers gets its URL and credentials that way. */
const serverSettings = (
  io: Io,
  options: WorkerOptions,
  file: Record<string, unknown>,
): Partial<WorkerConfig> => {
  const provider = options.provider ?? io.environment.workerProvider ?? file.provider;
  const isNamed = options.credentials !== undefined || file.rootUrl === undefined;
  if (provider === 'aws' || !isNamed) return {};
  const { rootUrl, credentials } = serverOf(io, options);
  const { certificate } = credentials ?? {};
  const given = {
    rootUrl,
    clientId: credentials?.clientId,
    accessToken: credentials?.accessToken,
    certificate: typeof certificate === 'object' ? JSON.stringify(certificate) : certificate,
  };
  return given as Partial<WorkerConfig>;
};

/** The settings of the command line; undefined ones come from other sources. */
const givenSettings = (
  io: Io,
  options: WorkerOptions,
  file: Record<string, unknown>,
): Partial<WorkerConfig> => {
  const { provider, taskQueueId, workerGroup, workerId, capacity, engine, workDir, idleTimeout } = options;
  const isQueueKnown = io.environment.workerTaskQueueId !== undefined || file.taskQueueId !== undefined;
  const given = {
    ...serverSettings(io, options, file),
    provider,
    taskQueueId: taskQueueId ?? (isQueueKnown ? undefined : builtInTaskQueueId),
    workerGroup,
    workerId,
    capacity,
    engine,
    workDir,
    idleTimeoutSeconds: idleTimeout,
  };
  return given as Partial<WorkerConfig>;
};

/** Why a worker cannot continue, with the exit status that starters of workers know. */
const asBreakdown = (error: unknown): never => {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const isSetting = name === 'WorkerConfigError';
  throw new CommandError(isSetting ? exitCodes.workerSettingsWrong : exitCodes.workerBroken, message);
};

/** Runs a worker until it ends or is told to; returns the exit status of the original's workers. */
const work = async (io: Io, options: WorkerOptions): Promise<number> => {
  const { enlistWorker, exitCodes: codes, jsonLinesLog, startWorker } = await import('@taskyard/worker');
  const file = settingsIn(options.config);
  const interrupted = untilInterrupted(io);
  const log = jsonLinesLog(
    (line) => void io.stderr.write(line),
    () => new Date(),
  );
  const given = givenSettings(io, options, file);
  const stop = new AbortController();
  void interrupted.then(() => stop.abort());
  const enlisted = enlistWorker({ given, file }, { log, signal: stop.signal });
  const settings = await enlisted.catch((error) => (stop.signal.aborted ? undefined : asBreakdown(error)));
  if (!settings) return codes.stopped;
  const worker = startWorker(settings);
  await worker.started.catch(asBreakdown);
  const { rootUrl, taskQueueId, workerGroup, workerId } = settings;
  if (options.json) sayJsonLine(io, { rootUrl, taskQueueId, workerGroup, workerId });
  else say(io, `Worker ${workerGroup}/${workerId} takes tasks of ${taskQueueId} from ${rootUrl}`);
  await Promise.race([interrupted, worker.stopped.catch(() => undefined)]);
  await worker.stop();
  return codes[await worker.stopped.catch(asBreakdown)];
};

/** `taskyard worker` */
export const workerCommand = (io: Io): Command => {
  const worker = runWorkerCommand(io);
  const commands = [workerSchemaCommand(io), runTaskCommand(io), ...workerFleetCommands(io)];
  for (const command of commands) worker.addCommand(command);
  // Options after the name of a subcommand belong to it: both have --json and --credentials.
  return worker.enablePositionalOptions();
};

const runWorkerCommand = (io: Io): Command =>
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
    .option('--engine <name>', 'process, bubblewrap, docker or auto (default: auto)')
    .option('--work-dir <path>', 'where tasks and caches live (default: .taskyard-worker)')
    .option('--idle-timeout <seconds>', 'leave after this time without a task (default: never)', wholeNumber)
    .option('--config <file>', 'a YAML file of settings; options and environment override it')
    .option('--provider <kind>', 'how it registers: none, static or aws (default: none)')
    .action(async (options: WorkerOptions) => io.setExitCode(await work(io, options)));
