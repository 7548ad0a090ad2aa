import type { TaskClaimResponse } from '@taskyard/client';
import { claimTasks } from './claim-tasks.ts';
import { type HeldClaim, holdClaim } from './claims/index.ts';
import { type Clock, seconds, systemClock } from './clock.ts';
import { type Stopping, watchForEnds } from './ends.ts';
import type { Engine } from './engines/index.ts';
import type { ExitReason } from './exit-reason.ts';
import { type Resolution, runTask, toolsFor, traceRun, type WorkerTools } from './runs/index.ts';
import { type SelfQuarantine, selfQuarantine } from './self-quarantine.ts';
import { openSlots, type Slots } from './slots.ts';
import { messageOf, silentLog, type WorkerLog } from './worker-log.ts';
import type { WorkerOptions } from './worker-options.ts';
import { openTools } from './worker-tools.ts';

export interface WorkerState {
  readonly phase: 'starting' | 'claiming' | 'stopping' | 'stopped';
  /** Known once the worker has started. */
  readonly engine: Engine['name'] | undefined;
  readonly running: readonly { readonly taskId: string; readonly runId: number }[];
}

export interface Worker {
  readonly state: WorkerState;
  /** Resolves when the worker is ready and has begun to claim; rejects when it cannot start. */
  readonly started: Promise<void>;
  /** Claims no more, gives running tasks their grace, resolves the rest as `worker-shutdown`. May be repeated. */
  stop(options?: Stopping): Promise<void>;
  /** Resolves when everything has ended; rejects when the worker could not start. */
  readonly stopped: Promise<ExitReason>;
}

// The time that a stopping worker has, after the tasks' grace, to upload logs and report.
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

const signalsOf = ({ stop, hangUp }: ReturnType<typeof endingSteps>) => ({
  stop: stop.signal,
  hangUp: hangUp.signal,
});

/** Takes the steps of an ending one after the other; returns what cancels those that are left. */
const endInSteps = (
  steps: ReturnType<typeof endingSteps>,
  clock: Clock,
  { graceSeconds, killGraceSeconds = 10 }: { graceSeconds: number; killGraceSeconds: number | undefined },
): readonly (() => void)[] => {
  const graceMs = seconds(graceSeconds);
  return [
    clock.after(hangUpAfterMs, () => steps.hangUp.abort()),
    clock.after(graceMs, () => steps.shutdown.abort()),
    clock.after(graceMs + seconds(killGraceSeconds) + abandonAfterMs, () => steps.abandon.abort()),
  ];
};

/** Starts a worker: it claims tasks of one queue and runs them until it is stopped, or has a reason to end. */
export const startWorker = (options: WorkerOptions, clock: Clock = systemClock): Worker => {
  const log = options.log ?? silentLog;
  const slots = openSlots(options.capacity ?? 1);
  const steps = endingSteps();
  let phase: WorkerState['phase'] = 'starting';
  let engine: WorkerState['engine'];
  let stopReason: ExitReason | undefined;

  const opened = openTools(options, { clock, log });
  const started = opened.then(({ tools }) => {
    engine = tools.engine.name;
    if (phase === 'starting') phase = 'claiming';
    log.info({ ...tools.identity, engine, capacity: slots.capacity }, 'the worker has started');
  });
  const quarantine = selfQuarantine(options, { clock, log });
  const work = async (): Promise<ExitReason> => {
    const { tools, disk, close } = await opened;
    try {
      const begin = beginIn(slots, tools, { steps, quarantine });
      const makeRoom = quarantine.unlessQuarantined(disk.makeRoom);
      const reason = await claimTasks(options, { clock, log, slots, begin, makeRoom, ...signalsOf(steps) });
      phase = 'stopping';
      await slots.emptied();
      return stopReason ?? reason;
    } finally {
      await close();
    }
  };

  const stop: Worker['stop'] = async ({
    graceSeconds = options.shutdownGraceSeconds ?? 0,
    reason = 'stopped',
  } = {}) => {
    if (phase !== 'stopped') phase = 'stopping';
    stopReason ??= reason;
    steps.stop.abort();
    const timers = endInSteps(steps, clock, { graceSeconds, killGraceSeconds: options.killGraceSeconds });
    await stopped.catch(() => undefined);
    for (const cancel of timers) cancel();
  };

  const unwatch = watchForEnds(options, { clock, log, stop: (how) => void stop(how) });
  const stopped = started.then(work).finally(() => {
    unwatch();
    phase = 'stopped';
  });
  const parted = stopped.then(
    (reason) => part(options, log, reason),
    (error) => partBroken(options, log, error),
  );
  // A caller that does not await it finds a failure in the log.
  parted.catch(() => undefined);
  return {
    get state() {
      return { phase, engine, running: slots.occupations.map(({ taskId, runId }) => ({ taskId, runId })) };
    },
    started,
    stopped: parted,
    stop: async (how) => {
      await stop(how);
      await parted.catch(() => undefined);
    },
  };
};

/** A worker that ends for a reason of its own gives up its place; one that was stopped may be started again. */
const part = async (
  { membership }: WorkerOptions,
  log: WorkerLog,
  reason: ExitReason,
): Promise<ExitReason> => {
  if (reason !== 'stopped') {
    await membership?.leave().catch((error) => {
      log.warn({ error: messageOf(error) }, 'worker-manager could not be told that the worker goes');
    });
  }
  await membership?.close();
  log.info({ reason }, 'the worker has ended');
  return reason;
};

const partBroken = async ({ membership }: WorkerOptions, log: WorkerLog, error: unknown): Promise<never> => {
  const message = messageOf(error);
  log.error({ error: message }, 'the worker could not run');
  await membership?.reportError('The worker could not run', message).catch(() => undefined);
  await membership?.close();
  throw error;
};

interface Beginning {
  readonly steps: ReturnType<typeof endingSteps>;
  readonly quarantine: SelfQuarantine;
}

/** How a claimed task is begun: it takes a slot until its commands are over. */
const beginIn =
  (slots: Slots, shared: WorkerTools, { steps, quarantine }: Beginning) =>
  (claimed: TaskClaimResponse, askedAt: Date): void => {
    const tools = toolsFor(shared, claimed.task.payload);
    const claim: HeldClaim = holdClaim(claimed, tools);
    const { taskId, runId } = claim;
    tools.log.info({ taskId, runId }, 'claimed');
    const endings = { shutdown: steps.shutdown.signal, abandon: steps.abandon.signal };
    const ended = (resolution: Resolution): void => quarantine.note({ taskId, runId }, resolution);
    slots.occupy({ taskId, runId }, (vacate) =>
      traceRun(tools, { claimed, askedAt }, () => runTask(tools, claim, { endings, vacate, ended })),
    );
  };
