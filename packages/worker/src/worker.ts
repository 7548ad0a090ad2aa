import type { TaskClaimResponse } from '@taskyard/client';
import { claimTasks, type ExitReason, type Slots } from './claim-tasks.ts';
import { seconds, systemClock } from './clock.ts';
import { type HeldClaim, holdClaim, runTask, type WorkerTools } from './runs/index.ts';
import { messageOf, silentLog } from './worker-log.ts';
import type { WorkerOptions } from './worker-options.ts';
import { openTools } from './worker-tools.ts';

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

// What a stopping worker allows itself, after the tasks' grace, to upload logs and report.
const abandonAfterMs = seconds(60);

// A poll that is broken off may have claimed a task already, whose claim would then have to expire. So a stop
// waits for as long as a reply on its way may take.
const hangUpAfterMs = 300;

/** The steps of an ending, each of which may never come. */
const endingSteps = () => ({
  /** Begin no other poll. */
  stop: new AbortController(),
  /** Break off the poll that is out. */
  hangUp: new AbortController(),
  /** Running tasks have had their grace. */
  shutdown: new AbortController(),
  /** Leave, whatever is still to be said. */
  abandon: new AbortController(),
});

/** Starts a worker: it claims tasks of one queue and runs them until it is stopped. */
export const startWorker = (options: WorkerOptions): Worker => {
  const log = options.log ?? silentLog;
  const clock = systemClock;
  const slots: Slots = { capacity: options.capacity ?? 1, running: new Map() };
  const steps = endingSteps();
  let phase: WorkerState['phase'] = 'starting';
  let engine: WorkerState['engine'];

  const opened = openTools(options, { clock, log });
  const started = opened.then(({ tools }) => {
    engine = tools.engine.name;
    if (phase === 'starting') phase = 'claiming';
    log.info({ ...tools.identity, engine, capacity: slots.capacity }, 'the worker has started');
  });
  const work = async (): Promise<ExitReason> => {
    const { tools, close } = await opened;
    try {
      const begin = beginIn(slots, tools, { shutdown: steps.shutdown.signal, abandon: steps.abandon.signal });
      const signals = { stop: steps.stop.signal, hangUp: steps.hangUp.signal };
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
  const stopped = started.then(work);
  // Whoever does not look at these hears of a failure from the log.
  stopped.catch((error) => log.error({ error: messageOf(error) }, 'the worker could not run'));

  const stop: Worker['stop'] = async ({ graceSeconds = options.shutdownGraceSeconds ?? 0 } = {}) => {
    if (phase !== 'stopped') phase = 'stopping';
    steps.stop.abort();
    const graceMs = seconds(graceSeconds);
    const endMs = graceMs + seconds(options.killGraceSeconds ?? 10) + abandonAfterMs;
    const timers = [
      clock.after(hangUpAfterMs, () => steps.hangUp.abort()),
      clock.after(graceMs, () => steps.shutdown.abort()),
      clock.after(endMs, () => steps.abandon.abort()),
    ];
    await stopped.catch(() => undefined);
    for (const cancel of timers) cancel();
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

/** How a claimed task is begun: it takes a slot until its run is over. */
const beginIn =
  (slots: Slots, tools: WorkerTools, endings: Parameters<typeof runTask>[2]) =>
  (claimed: TaskClaimResponse): void => {
    const claim: HeldClaim = holdClaim(claimed, tools);
    const { taskId, runId } = claim;
    tools.log.info({ taskId, runId }, 'claimed');
    const key = `${taskId}/${runId}`;
    const done = runTask(tools, claim, endings).finally(() => slots.running.delete(key));
    slots.running.set(key, { taskId, runId, done });
  };
