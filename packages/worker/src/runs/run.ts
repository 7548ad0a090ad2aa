import { mkdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tracing } from '@taskyard/tracing';
import type { Uploads } from '../artifacts/index.ts';
import type { HeldClaim, LostRuns } from '../claims/index.ts';
import type { Clock } from '../clock.ts';
import type { Engine } from '../engines/index.ts';
import { type LiveLogs, openTaskLog, type TaskLog } from '../logs/index.ts';
import type { MountSources } from '../mounts/index.ts';
import { type Features, namesImage } from '../payload/index.ts';
import type { MemoryGuard } from '../resources/index.ts';
import type { TaskShells } from '../shells/index.ts';
import { removeTree } from '../trees/index.ts';
import type { SigningKey } from '../trust/index.ts';
import { messageOf, type WorkerLog } from '../worker-log.ts';
import type { Reports } from './reports.ts';
import type { Resolution } from './resolution.ts';

/** The parts that all runs of a worker share. */
export interface WorkerTools {
  readonly clock: Clock;
  readonly log: WorkerLog;
  readonly rootUrl: string;
  readonly identity: WorkerIdentity;
  readonly engine: Engine;
  /** For payloads that name no image, where they have an engine of their own. */
  readonly plain?: Pick<WorkerTools, 'engine' | 'features' | 'allowsPrivateUrls'> | undefined;
  readonly mounts: MountSources;
  readonly liveLogs: LiveLogs;
  readonly shells: TaskShells;
  /** How the ends of runs are reported. */
  readonly reports: Reports;
  /** Tells of runs that are taken away. */
  readonly lostRuns: LostRuns;
  /** How artifacts are uploaded. */
  readonly uploads: Uploads;
  readonly memoryGuard: MemoryGuard;
  /** Present where traces are exported. */
  readonly tracing?: Tracing | undefined;
  /** Below it each run has a directory. */
  readonly runsDirectory: string;
  /** The PATH of tasks. */
  readonly path: string;
  /** Variables that tasks find unless they set them themselves. */
  readonly environment: Readonly<Record<string, string>>;
  /** Variables that tell tasks where they run. */
  readonly whereabouts: Readonly<Record<string, string>>;
  /** Between SIGTERM and SIGKILL. */
  readonly killGraceMs: number;
  readonly maxRunTimeSecondsMax: number;
  /** Signs artifacts. Present if `features` has a chain of trust. */
  readonly signingKey: SigningKey | undefined;
  /** Whether tasks reach addresses outside of the public internet through this worker. */
  readonly allowsPrivateUrls: boolean;
  /** The features of this worker. */
  readonly features: Features;
}

/** What a task of this payload runs with. */
export const toolsFor = (tools: WorkerTools, payload: unknown): WorkerTools =>
  tools.plain && !namesImage(payload) ? { ...tools, ...tools.plain } : tools;

export interface WorkerIdentity {
  readonly taskQueueId: string;
  readonly workerGroup: string;
  readonly workerId: string;
}

/** How a worker that stops ends its runs. */
export interface Endings {
  /** Aborts when the run must end now, as `worker-shutdown`. */
  readonly shutdown: AbortSignal;
  /** Aborts when the worker leaves, even if the run is not reported yet. */
  readonly abandon: AbortSignal;
}

/** A run in progress: its claim, its places on disk, its log, and what may end it early. */
export interface Run {
  readonly tools: WorkerTools;
  readonly claim: HeldClaim;
  /** Holds everything of the run. Never shown to the task. */
  readonly privateDirectory: string;
  /** Where the task's commands start. */
  readonly taskDirectory: string;
  readonly log: TaskLog;
  readonly startedAt: Date;
  readonly endings: Endings;
  /** To be called when the commands have ended, so that another task can have the slot. May be repeated. */
  readonly vacate: () => void;
  /** Aborts when the run must end early: the claim is lost, or the worker shuts down. */
  readonly interrupted: AbortSignal;
}

/** The parts of a stopping worker, and of other waiting tasks, that a run needs. */
export interface Circumstances extends Pick<Run, 'endings' | 'vacate'> {
  /**
   * Called with the resolution before it is reported, unless the claim was lost. The next run may be claimed, and end, while
   * this one is still being cleaned up, so that only here the calls come in the order of the runs.
   */
  ended(resolution: Resolution): void;
}

/** Makes the places of a run. */
export const openRun = async (
  tools: WorkerTools,
  claim: HeldClaim,
  { endings, vacate }: Pick<Run, 'endings' | 'vacate'>,
): Promise<Run> => {
  const privateDirectory = join(tools.runsDirectory, `${claim.taskId}-${claim.runId}`);
  const taskDirectory = join(privateDirectory, 'task');
  await makeAnew(privateDirectory);
  await mkdir(taskDirectory, { mode: 0o700 });
  const log = await openTaskLog(join(privateDirectory, 'live.log'), tools.clock);
  const interrupted = AbortSignal.any([claim.lost, endings.shutdown]);
  const startedAt = tools.clock.now();
  return { tools, claim, privateDirectory, taskDirectory, log, startedAt, endings, vacate, interrupted };
};

/** Makes a directory, without what an earlier worker left there. */
const makeAnew = async (directory: string): Promise<void> => {
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch {
    await removeTree(directory);
    await mkdir(directory, { recursive: true, mode: 0o700 });
  }
};

/** Removes the directory of a task that left nothing there. Throws where there is more. */
const removeEmpty = async ({ log, taskDirectory, privateDirectory }: Run): Promise<void> => {
  await rmdir(taskDirectory);
  await unlink(log.path);
  await rmdir(privateDirectory);
};

/** Removes everything that a run left on this machine. */
export const closeRun = async (run: Run): Promise<void> => {
  const { tools, log, privateDirectory, claim } = run;
  await log.close();
  try {
    // Most tasks leave nothing, and to look for it takes five times as many steps.
    await removeEmpty(run).catch(() => removeTree(privateDirectory));
  } catch (error) {
    const { taskId, runId } = claim;
    tools.log.warn(
      { taskId, runId, error: messageOf(error) },
      'the directory of the run could not be removed',
    );
  }
};
