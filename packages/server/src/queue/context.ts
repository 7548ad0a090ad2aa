import type { BatchDeps, Signal, Transaction } from '../base/index.ts';
import type { Ageing } from './ageing.ts';
import type { ApplyDeps } from './apply.ts';
import type { DefinitionLimits } from './definition.ts';

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

/** All that the queue needs from the floors below and from `app.ts`. */
export interface QueueDeps extends BatchDeps {
  readonly settings: QueueSettings;
  readonly pendingChanged: Signal;
  readonly releaseStarted: Signal;
  readonly onResolved: ApplyDeps['onResolved'];
  readonly observeClaim?: ApplyDeps['observeClaim'];
  /** What else goes, in the same transaction, when expired tasks are deleted. */
  readonly onDeleted: (tx: Transaction, taskIds: readonly string[], now: Date) => Promise<void>;
  /** Credentials in the name of the queue's own client. */
  issueCredentials(request: CredentialsRequest): Credentials;
  isQuarantined(taskQueueId: string, workerGroup: string, workerId: string): boolean;
  /** Told of workers after the commit; never waited for. */
  seeWorkers(sightings: readonly Sighting[]): void;
}
