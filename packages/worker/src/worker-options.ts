import type { Credentials } from '@taskyard/client';
import type { EngineChoice } from './engines/index.ts';
import type { WorkerIdentity } from './runs/index.ts';
import type { WorkerLog } from './worker-log.ts';

/** What a worker is told at its start. */
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
  /** Shown to tasks of the bubblewrap engine beside the system's own and the Node that runs this. */
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
