import type { BaseContext, Signal, Transaction } from '../base/index.ts';
import type { Ageing } from './ageing.ts';
import type { DefinitionLimits } from './definition.ts';
import type { Change } from './record.ts';

/** Temporary credentials, and whose they are. */
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

/** A worker that was just heard of, and what it claimed. */
export interface Sighting {
  readonly taskQueueId: string;
  readonly workerGroup: string;
  readonly workerId: string;
  readonly claimed?: readonly { taskId: string; runId: number }[];
}

export interface QueueSettings extends DefinitionLimits {
  readonly ageing?: Ageing;
  readonly claimTimeoutSeconds: number;
  /** How long after its deadline a task is ended that is not resolved. */
  readonly deadlineDelaySeconds: number;
  /** How long `claimWork` waits for something to do. */
  readonly longPollSeconds: number;
}

/** What the queue is opened with: what lives as long as the process. */
export interface Context extends BaseContext {
  readonly settings: QueueSettings;
  /** Woken, with the ids of task queues, when runs became pending. Shared between the processes of a deployment. */
  readonly pendingChanged: Signal;
  /** Woken when a large fan-out has begun. */
  readonly releaseStarted: Signal;
  /** What the floors above do in the same transaction when tasks resolve. */
  onResolved(tx: Transaction, changes: readonly Change[], now: Date): Promise<void>;
  /** What the floors above do in the same transaction when expired tasks are deleted. */
  onDeleted(tx: Transaction, taskIds: readonly string[], now: Date): Promise<void>;
  /** Told of every claim after its commit: for how many seconds the run has waited for it. */
  readonly observeClaim?: ((waitedSeconds: number) => void) | undefined;
  /** Credentials in the name of the queue's own client. */
  issueCredentials(request: CredentialsRequest): Credentials;
  isQuarantined(taskQueueId: string, workerGroup: string, workerId: string): boolean;
  /** Woken when {@link Context.isQuarantined} may answer otherwise than before, in this process. */
  readonly quarantinesKnown: Signal;
  /** Told of workers after the commit; never waited for. */
  seeWorkers(sightings: readonly Sighting[]): void;
}
