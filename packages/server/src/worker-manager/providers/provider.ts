import type { Clock, Logger } from '../../base/index.ts';
import type { PublishedSchema } from '../../http/index.ts';
import type { IdentityProof } from '../schema/index.ts';
import type { WorkerRef, WorkerRow } from '../store/index.ts';

/**
 * Where workers come from. One folder here is one type of provider; the configuration names providers of it. Four
 * functions make one: `identify`, and those of its machines: `launch`, `sweep` and `terminate`. A provider acts and reports;
 * it decides nothing, writes nothing to our tables, and sends no messages: its callers do that with its results.
 */
export interface Provider {
  readonly providerId: string;
  readonly providerType: string;
  /** The shape of the config of its pools. */
  readonly configSchema: PublishedSchema;
  /**
   * Whether a proof is one of this worker; returns what is to be kept about it from now on (all of it: what was kept
   * before is replaced). A refusal must not tell what was wrong. `worker.state` says whether it has registered before.
   * Absent when workers of this provider do not register.
   */
  identify?(worker: WorkerRow, proof: IdentityProof): Promise<WorkerFacts | 'refused'>;
  /** Absent when the provider does not start and end the workers. */
  readonly machines?: Machines;
}

/** What a provider is opened with, besides its own settings. Time, environment and chance come from here. */
export interface ProviderContext {
  readonly providerId: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** What it remembers across restarts and processes, like places without capacity. */
  readonly memory: ProviderMemory;
  /** The URL that workers reach the platform by; known once the platform listens. */
  rootUrl(): string;
  /** Tells that a sweep would find something: it is done soon, not only when it is due. */
  changed(): void;
}

/** What the provisioner asks of a provider that has machines. All work on sets, and all may be repeated. */
export interface Machines {
  /** How long after a sweep the next one begins, in milliseconds. */
  readonly sweepEveryMs: number;
  /**
   * Starts the workers of some orders, and returns the outcome of each, in any order. An order may come again with the
   * same token, in another process and after a restart: when the last result was lost, or was `unknown`. Then nothing
   * is started twice, and the same workers are returned. Orders that are left out count as `unknown`. An error
   * that it throws makes all of them `unknown`.
   */
  launch(orders: readonly LaunchOrder[]): Promise<readonly LaunchOutcome[]>;
  /**
   * Reads the states of these workers (all of this provider that are not stopped), and what else of ours runs there.
   * One process at a time does it. It may take up to a minute.
   */
  sweep(known: readonly WorkerRow[]): Promise<Sweep>;
  /**
   * Ends workers, known to us or not, with everything that belongs to them. Returns when that is ordered; a later sweep
   * finds that they are gone. When it throws, it is called again after the next sweep.
   */
  terminate(workers: readonly WorkerToEnd[]): Promise<void>;
  /** The price of a worker of each launch config now, in USD per hour; unknown ones are left out. */
  prices?(configs: readonly PricedConfig[]): Promise<readonly Price[]>;
  /** Ends the workers that cannot outlive this process. */
  close?(): Promise<void>;
}

/** What a provider stores about a worker, as JSON that only the provider reads. Digests of secrets, never secrets. */
export type WorkerFacts = Readonly<Record<string, unknown>>;

/** A launch config as it was written, with its id in `workerManager.launchConfigId`. */
export type Configuration = Readonly<Record<string, unknown>>;

/** The order for workers that follows from one stored decision. */
export interface LaunchOrder {
  /**
   * Unique for the decision and the same at each attempt: 22 letters, digits, `-` and `_`. Client tokens, tags and
   * names of workers are derived from it, so that started workers are found again.
   */
  readonly token: string;
  readonly workerPoolId: string;
  readonly launchConfigId: string;
  readonly configuration: Configuration;
  /** Workers, not capacity. */
  readonly count: number;
  /** Tasks that each of them runs at the same time. */
  readonly capacityPerInstance: number;
  /** The owner of the pool, for tags. */
  readonly owner: string;
  /** When it was decided. */
  readonly decided: Date;
  /** 1 at first. */
  readonly attempt: number;
}

/** The outcome of one order. */
export type LaunchOutcome =
  /** It is done: these were started, no others ever will be, and the errors say why there are not more. */
  | {
      readonly token: string;
      readonly workers: readonly StartedWorker[];
      readonly errors: readonly ProviderError[];
    }
  /** It may or may not have happened, or must wait (throttling): the same order comes again, later. */
  | {
      readonly token: string;
      readonly outcome: 'unknown';
      readonly error: ProviderError;
      /** How long to wait at least, in milliseconds; by default it is tried again ever less often. */
      readonly retryAfterMs?: number;
    };

/** A worker that was started. It is `requested` until it registers. */
export interface StartedWorker {
  readonly workerGroup: string;
  readonly workerId: string;
  /** By default that of the order. */
  readonly capacity?: number;
  readonly facts: WorkerFacts;
  /** The digest of the secret that it was given as its proof: see `digestOf`. */
  readonly secretDigest?: string;
}

/** An error, in words for the owners of the pool. */
export interface ProviderError {
  /** Like `creation-error`. */
  readonly kind: string;
  /** A few words, always the same for the same problem: errors are counted by it. */
  readonly title: string;
  readonly description: string;
  /** For programs, like `InsufficientInstanceCapacity`. */
  readonly code: string;
  /** More for programs: `{ place: 'm5.large/us-west-2a' }`. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /**
   * The launch config is not to blame, and keeps its chance of being chosen: there was no capacity in one place, the
   * cloud was asked too often.
   */
  readonly isPassing?: boolean;
  /** There was no capacity for the launch config: for a moment others are chosen, as long as there is one. */
  readonly isShortage?: boolean;
}

/** The result of a sweep. */
export interface Sweep {
  /** Workers that are left out could not be read, and stay as they are. */
  readonly workers: readonly SweptWorker[];
  /** Machines of ours that belong to no known worker; those of an open order are not touched. */
  readonly strays: readonly Stray[];
  /** The errors that prevented it from reading everything. */
  readonly errors?: readonly (ProviderError & { readonly workerPoolId: string })[];
}

export interface SweptWorker extends WorkerRef {
  /**
   * `running`: it exists. `stopping`: it is about to end, for any reason. `gone`: it does not exist any more; what it had
   * claimed is given to other workers at once, and it can never come back.
   */
  readonly state: 'running' | 'stopping' | 'gone';
  /** Why it is not `running`, like `spot interruption`. */
  readonly reason?: string;
  /** It ended or ends although we did not order it; counted as an interruption of its launch config. */
  readonly isInterrupted?: boolean;
  /** It never ran: its cloud had no capacity for it after all. For a moment other launch configs are chosen. */
  readonly isShortage?: boolean;
  /** Replaces what is kept about it. */
  readonly facts?: WorkerFacts;
}

/** Names a worker that is to be ended, with the facts that were stored. */
export interface WorkerToEnd extends WorkerRef {
  readonly facts: WorkerFacts;
}

export interface Stray extends WorkerToEnd {
  /** The token of the order that it was started for, by its own account. */
  readonly token?: string | undefined;
}

export interface Price {
  readonly workerPoolId: string;
  readonly launchConfigId: string;
  readonly usdPerHour: number;
}

export interface PricedConfig {
  readonly workerPoolId: string;
  readonly launchConfigId: string;
  readonly configuration: Configuration;
}

/** Values that a provider remembers until a time: JSON by name, shared by all its processes. */
export interface ProviderMemory {
  /** All values that have not expired. */
  recall(): Promise<ReadonlyMap<string, unknown>>;
  /** Replaces the values of these names. */
  remember(
    things: readonly { readonly name: string; readonly value: unknown; readonly until: Date }[],
  ): Promise<void>;
  forget(names: readonly string[]): Promise<void>;
}
