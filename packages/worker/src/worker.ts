import { mkdir, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Credentials, Queue, type TaskClaimResponse } from '@taskyard/client';
import { type Clock, seconds, systemClock } from './clock.ts';
import { defaultPath, nodeDirectories } from './config.ts';
import { chooseEngine, type EngineChoice } from './engines/index.ts';
import { startLiveLogServer } from './logs/index.ts';
import { openCaches, openDownloads } from './mounts/index.ts';
import { backOffMs } from './retry.ts';
import { holdClaim, runTask, type WorkerIdentity, type WorkerTools } from './runs/index.ts';
import { takeWorkDirectory, type WorkDirectory } from './work-directory.ts';
import { messageOf, silentLog, type WorkerLog } from './worker-log.ts';

export interface WorkerOptions extends WorkerIdentity {
  readonly rootUrl: string;
  /** Need `queue:claim-work:<taskQueueId>` and `queue:worker-id:<workerGroup>/<workerId>`. */
  readonly credentials: Credentials;
  /** Tasks at a time, 1 to 32. Default 1. */
  readonly capacity?: number;
  /** Runs, caches and downloads. One worker at a time has it. */
  readonly workDir: string;
  /** Default `auto`: bubblewrap where it works, else process. */
  readonly engine?: EngineChoice;
  /** The worker leaves after so long without a task. Default: it stays. */
  readonly idleTimeoutSeconds?: number;
  /** How long running tasks may go on after a stop. Default 0. */
  readonly shutdownGraceSeconds?: number;
  /** Shown to tasks of the bubblewrap engine beside the system's own. Default: the Node that runs this. */
  readonly readOnlyPaths?: readonly string[];
  /** Hidden from them even where a read-only path would show it. The work directory always is. */
  readonly hiddenPaths?: readonly string[];
  /** Only with bubblewrap: tasks get no network. Default false. */
  readonly isolateNetwork?: boolean;
  /** The PATH of tasks. Default: a system's usual directories, and the Node that runs this. */
  readonly path?: string;
  /** Between SIGTERM and SIGKILL for a task that must end. Default 10. */
  readonly killGraceSeconds?: number;
  /** The longest maxRunTime that a task may ask for. Default a day. */
  readonly maxRunTimeSecondsMax?: number;
  readonly log?: WorkerLog;
}

/** Why a worker has ended: it was told to, or had nothing to do for long enough. */
export type ExitReason = 'stopped' | 'idle';

export interface WorkerState {
  readonly phase: 'starting' | 'claiming' | 'stopping' | 'stopped';
  /** Known once the worker has started. */
  readonly engine: 'process' | 'bubblewrap' | undefined;
  readonly running: readonly { readonly taskId: string; readonly runId: number }[];
}

export interface Worker {
  readonly state: WorkerState;
  /** Resolves when the worker is ready and has begun to claim; rejects when it cannot start. */
  readonly started: Promise<void>;
  /** Claims no more, gives running tasks their grace, resolves the rest as `worker-shutdown`. May be repeated. */
  stop(options?: { readonly graceSeconds?: number }): Promise<void>;
  /** Resolves when everything has ended; rejects when the worker could not start. */
  readonly stopped: Promise<ExitReason>;
}

const dayInSeconds = 86_400;

// What a stopping worker allows itself, after the tasks' grace, to upload logs and report.
const abandonAfterMs = seconds(60);

// A poll that is broken off may have claimed a task already, whose claim would then have to expire. So a stop
// waits for as long as a reply on its way may take.
const hangUpAfterMs = 300;

// A server that answers an empty poll at once would otherwise be asked without a pause.
const emptyPollMsMin = 500;

interface Slots {
  readonly capacity: number;
  readonly running: Map<string, { taskId: string; runId: number; done: Promise<void> }>;
}

/** Starts a worker: it claims tasks of one queue and runs them until it is stopped. */
export const startWorker = (options: WorkerOptions): Worker => {
  const log = options.log ?? silentLog;
  const clock = systemClock;
  const slots: Slots = { capacity: options.capacity ?? 1, running: new Map() };
  const stopping = new AbortController();
  const hangUp = new AbortController();
  const shutdown = new AbortController();
  const abandon = new AbortController();
  let phase: WorkerState['phase'] = 'starting';
  let engine: WorkerState['engine'];

  const opened = open(options, { clock, log });
  const started = opened.then(({ tools }) => {
    engine = tools.engine.name;
    if (phase === 'starting') phase = 'claiming';
    log.info({ ...tools.identity, engine, capacity: slots.capacity }, 'the worker has started');
  });

  const work = async (): Promise<ExitReason> => {
    const { tools, close } = await opened;
    await started;
    const endings = { shutdown: shutdown.signal, abandon: abandon.signal };
    const begin = (claimed: TaskClaimResponse): void => {
      const claim = holdClaim(claimed, { rootUrl: tools.rootUrl, clock, log });
      const { taskId, runId } = claim;
      log.info({ taskId, runId }, 'claimed');
      const key = `${taskId}/${runId}`;
      const done = runTask(tools, claim, endings).finally(() => slots.running.delete(key));
      slots.running.set(key, { taskId, runId, done });
    };
    try {
      const signals = { stop: stopping.signal, hangUp: hangUp.signal };
      const reason = await claimTasks(options, { clock, log, slots, begin, ...signals });
      phase = 'stopping';
      await Promise.all([...slots.running.values()].map(({ done }) => done));
      return reason;
    } finally {
      await close();
      phase = 'stopped';
      log.info({}, 'the worker has ended');
    }
  };
  const stopped = work();
  // Whoever does not look at these hears of a failure from the log.
  stopped.catch((error) => log.error({ error: messageOf(error) }, 'the worker could not run'));
  started.catch(() => undefined);

  const stop: Worker['stop'] = async ({ graceSeconds = options.shutdownGraceSeconds ?? 0 } = {}) => {
    if (phase !== 'stopped') phase = 'stopping';
    stopping.abort();
    const cancelHangUp = clock.after(hangUpAfterMs, () => hangUp.abort());
    const cancelShutdown = clock.after(seconds(graceSeconds), () => shutdown.abort());
    const killMs = seconds(options.killGraceSeconds ?? 10);
    const cancelAbandon = clock.after(seconds(graceSeconds) + killMs + abandonAfterMs, () => abandon.abort());
    await stopped.catch(() => undefined);
    cancelHangUp();
    cancelShutdown();
    cancelAbandon();
  };

  return {
    get state() {
      const running = [...slots.running.values()].map(({ taskId, runId }) => ({ taskId, runId }));
      return { phase, engine, running };
    },
    started,
    stopped,
    stop,
  };
};

const checkCapacity = (capacity: number): void => {
  if (Number.isInteger(capacity) && capacity >= 1 && capacity <= 32) return;
  throw new Error(`A worker's capacity is a number from 1 to 32, not ${capacity}.`);
};

/** Makes everything that runs share, and what undoes it. */
const open = async (
  options: WorkerOptions,
  { clock, log }: { clock: Clock; log: WorkerLog },
): Promise<{ tools: WorkerTools; close(): Promise<void> }> => {
  const { rootUrl, taskQueueId, workerGroup, workerId, path = defaultPath() } = options;
  checkCapacity(options.capacity ?? 1);
  await mkdir(options.workDir, { recursive: true, mode: 0o700 });
  // Tasks are shown their directory under its real name.
  const workDir = await realpath(resolve(options.workDir));
  const directory = await takeWorkDirectory(workDir);
  try {
    const engine = await chooseEngine({
      clock,
      choice: options.engine ?? 'auto',
      path,
      readOnlyPaths: (options.readOnlyPaths ?? nodeDirectories()).map((one) => resolve(one)),
      hiddenPaths: [...(options.hiddenPaths ?? []).map((one) => resolve(one)), workDir],
      isolateNetwork: options.isolateNetwork ?? false,
      directory: directory.runs,
    });
    const liveLogs = await startLiveLogServer();
    const tools: WorkerTools = {
      clock,
      log,
      rootUrl: rootUrl.replace(/\/+$/, ''),
      identity: { taskQueueId, workerGroup, workerId },
      engine,
      mounts: await openMountSources(directory, clock),
      liveLogs,
      runsDirectory: directory.runs,
      path,
      killGraceMs: seconds(options.killGraceSeconds ?? 10),
      maxRunTimeSecondsMax: options.maxRunTimeSecondsMax ?? dayInSeconds,
    };
    const close = async (): Promise<void> => {
      engine.close();
      await liveLogs.close();
      await directory.release();
    };
    return { tools, close };
  } catch (error) {
    await directory.release();
    throw error;
  }
};

const openMountSources = async (directory: WorkDirectory, clock: Clock) => ({
  caches: await openCaches(directory.caches),
  downloads: await openDownloads(directory.downloads, clock),
});

interface Claiming {
  readonly clock: Clock;
  readonly log: WorkerLog;
  readonly slots: Slots;
  readonly begin: (claimed: TaskClaimResponse) => void;
  /** Begin no other poll. */
  readonly stop: AbortSignal;
  /** Break off the poll that is out. */
  readonly hangUp: AbortSignal;
}

/** Asks for as many tasks as there are free slots, one poll at a time, until told to stop or idle for too long. */
const claimTasks = async (options: WorkerOptions, claiming: Claiming): Promise<ExitReason> => {
  const { clock, log, slots, begin, stop, hangUp } = claiming;
  const { rootUrl, credentials, taskQueueId, workerGroup, workerId, idleTimeoutSeconds = Infinity } = options;
  const queue = new Queue({ rootUrl, credentials, retries: 0 });
  let idleSince = clock.now().getTime();
  let failures = 0;
  while (!stop.aborted) {
    const free = slots.capacity - slots.running.size;
    if (free === 0) {
      await Promise.race([...[...slots.running.values()].map(({ done }) => done), aborted(stop)]);
      continue;
    }
    const askedAt = clock.now().getTime();
    try {
      const body = { workerGroup, workerId, tasks: free };
      const { tasks } = await queue.claimWork(taskQueueId, body, { signal: hangUp });
      failures = 0;
      for (const claimed of tasks) begin(claimed);
      const now = clock.now().getTime();
      if (slots.running.size > 0) idleSince = now;
      else if (now - idleSince >= seconds(idleTimeoutSeconds)) return 'idle';
      if (tasks.length === 0 && now - askedAt < emptyPollMsMin) await clock.sleep(emptyPollMsMin, stop);
    } catch (error) {
      if (stop.aborted) break;
      log.warn({ error: messageOf(error) }, 'no work could be claimed');
      await clock.sleep(backOffMs(failures++, { firstDelayMs: 500, delayMaxMs: 30_000 }), stop);
    }
  }
  return 'stopped';
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
