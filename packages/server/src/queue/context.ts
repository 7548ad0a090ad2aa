import type { BaseContext, Signal, Transaction } from '../base/index.ts';
import type { Caller, RequestHead } from '../http/index.ts';
import type { Ageing } from './ageing.ts';
import type { DefinitionLimits } from './definition.ts';
import type { Change } from './record.ts';

/** Temporary credentials, with the client that they belong to. */
export interface Credentials {
  readonly clientId: string;
  readonly accessToken: string;
  /** JSON text. */
  readonly certificate: string;
}

export interface CredentialsRequest {
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly start: Date;
  readonly expiry: Date;
}

/** A worker that has just been active, with the runs that it claimed. */
export interface Sighting {
  readonly taskQueueId: string;
  readonly workerGroup: string;
  readonly workerId: string;
  readonly claimed?: readonly { taskId: string; runId: number }[];
}

/** A run that has ended, and why. */
export interface EndedRun {
  readonly taskQueueId: string;
  /** The `reasonResolved` of the run. */
  readonly reason: string;
}

export interface QueueSettings extends DefinitionLimits {
  readonly ageing?: Ageing;
  readonly claimTimeoutSeconds: number;
  /** A task that is not resolved is ended this long after its deadline. */
  readonly deadlineDelaySeconds: number;
  /** How several processes that claim from one line keep out of each other's way. Default `skip-locked`. */
  readonly claimLocking?: 'skip-locked' | 'guarded-delete';
  /** How long `claimWork` waits for tasks. */
  readonly longPollSeconds: number;
}

/** What the queue is opened with: what lives as long as the process. */
export interface Context extends BaseContext {
  readonly settings: QueueSettings;
  /** Woken with the ids of task queues in which runs became pending. Shared between the processes of a deployment. */
  readonly pendingChanged: Signal;
  /**
   * Woken together with {@link Context.pendingChanged}, and before it: for each task queue the earliest place in line that
   * was taken, as `<taskQueueId>@<position>`. Shared in the same way.
   */
  readonly placesTaken: Signal;
  /** Woken with workers, as `holderOf` names them, that lost runs which they have not reported. Shared in the same way. */
  readonly runsLost: Signal;
  /** Woken when a large fan-out has begun. */
  readonly releaseStarted: Signal;
  /** Called in the same transaction when tasks resolve, for the floors above. */
  onResolved(tx: Transaction, changes: readonly Change[], now: Date): Promise<void>;
  /** Called in the same transaction when expired tasks are deleted, for the floors above. */
  onDeleted(tx: Transaction, taskIds: readonly string[], now: Date): Promise<void>;
  /** Called after the commit of every claim, with the seconds that the run has waited for it. */
  readonly observeClaim?: ((waitedSeconds: number) => void) | undefined;
  /** Called after the commit that ended a run, for each run. */
  readonly observeEnd?: ((run: EndedRun) => void) | undefined;
  /** Called after a commit with the task queues in which runs were claimed, ended or left the line. Nothing waits for it. */
  readonly workMoved?: ((taskQueueIds: readonly string[]) => void) | undefined;
  /** Credentials in the name of the queue's own client. */
  issueCredentials(request: CredentialsRequest): Credentials;
  /** The sender of a request by its head; an invalid signature is an AuthenticationFailed. */
  authenticate(head: RequestHead): Promise<Caller>;
  isQuarantined(taskQueueId: string, workerGroup: string, workerId: string): boolean;
  /** Woken when {@link Context.isQuarantined} may return another value than before, in this process. */
  readonly quarantinesKnown: Signal;
  /** Called with active workers after the commit; nothing waits for it. */
  seeWorkers(sightings: readonly Sighting[]): void;
}
