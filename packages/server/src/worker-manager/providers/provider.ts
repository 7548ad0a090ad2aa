import type { Clock, Logger } from '../../base/index.ts';
import type { PublishedSchema } from '../../http/index.ts';
import type { IdentityProof } from '../schema/index.ts';
import type { WorkerRef, WorkerRow } from '../store/index.ts';

/**
 * Where workers come from. One folder here is one type of provider; the configuration names providers of it. Four
 * functions make one: `identify`, and those of its machines: `launch`, `sweep` and `terminate`. A provider acts and looks;
 * it decides nothing, writes nothing to our tables, and sends no messages: that is done from what it answers.
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
  /** Absent when somebody else starts and ends the workers. */
  readonly machines?: Machines;
}

/** What a provider is made with, besides its own settings: nothing below asks for the time, the environment or chance. */
export interface ProviderContext {
  readonly providerId: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** What it knows across restarts and processes, like places that have no capacity now. */
  readonly memory: ProviderMemory;
  /** The URL that workers reach the platform by; known once the platform listens. */
  rootUrl(): string;
  /** Something happened that a sweep would see: it is swept soon, not only when it is due. */
  changed(): void;
}

/** What the provisioner asks of a provider that has machines. All work on sets, and all may be repeated. */
export interface Machines {
  /** How long after a sweep the next one begins, in milliseconds. */
  readonly sweepEveryMs: number;
  /**
   * Starts the workers of some orders, and answers what became of each, in any order. An order may come again with the
   * same token, in another process and after a restart: since the last answer was lost, or was `unknown`. Then nothing
   * is started twice, and the same workers are answered. Orders that are left out count as `unknown`. What it throws
   * makes all of them `unknown`.
   */
  launch(orders: readonly LaunchOrder[]): Promise<readonly LaunchOutcome[]>;
  /**
   * How these workers are (all that there are of this provider and are not stopped), and what else of ours runs there.
   * One process at a time does it. It may take up to a minute.
   */
  sweep(known: readonly WorkerRow[]): Promise<Sweep>;
  /**
   * Ends workers, known to us or not, and whatever belongs to them. Returns when that is ordered; a later sweep sees
   * that they are gone. What it throws makes it be asked again after the next sweep.
   */
  terminate(workers: readonly WorkerToEnd[]): Promise<void>;
  /** What a worker of each launch config costs now, in USD per hour; those that it does not know are left out. */
  prices?(configs: readonly PricedConfig[]): Promise<readonly Price[]>;
  /** Ends what cannot outlive this process. */
  close?(): Promise<void>;
}

/** What a provider keeps about a worker: JSON, not for other eyes than its own. No secrets, but digests of them. */
export type WorkerFacts = Readonly<Record<string, unknown>>;

/** A launch config as it was written, with its id in `workerManager.launchConfigId`. */
export type Configuration = Readonly<Record<string, unknown>>;

/** The order for workers that follows from one stored decision. */
export interface LaunchOrder {
  /**
   * Of this decision and of no other, the same at each attempt: 22 letters, digits, `-` and `_`. Client tokens, tags and
   * names of workers are derived from it, by which what was started is found again.
   */
  readonly token: string;
  readonly workerPoolId: string;
  readonly launchConfigId: string;
  readonly configuration: Configuration;
  /** Workers, not capacity. */
  readonly count: number;
  /** Tasks that each of them takes at once. */
  readonly capacityPerInstance: number;
  /** Whom the pool belongs to, for tags. */
  readonly owner: string;
  /** When it was decided. */
  readonly decided: Date;
  /** 1 at first. */
  readonly attempt: number;
}

/** What became of one order. */
export type LaunchOutcome =
  /** It is over: these were started, no others ever will be, and the errors say why there are not more. */
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
      /** Not before so long, in milliseconds; by default it is tried again ever less often. */
      readonly retryAfterMs?: number;
    };

/** A worker that was started. It stands as `requested` until it registers. */
export interface StartedWorker {
  readonly workerGroup: string;
  readonly workerId: string;
  /** By default that of the order. */
  readonly capacity?: number;
  readonly facts: WorkerFacts;
  /** Where its proof is a secret that it was given: see `digestOf`. */
  readonly secretDigest?: string;
}

/** Something that went wrong, as the owners of the pool are to read it. */
export interface ProviderError {
  /** Like `creation-error`. */
  readonly kind: string;
  /** A few words, the same ones for the same trouble: errors are counted by it. */
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
}

/** What a sweep has seen. */
export interface Sweep {
  /** Those that are left out could not be looked at, and are let be. */
  readonly workers: readonly SweptWorker[];
  /** What runs in our name though it is none of the known workers; those of an open order are not touched. */
  readonly strays: readonly Stray[];
  /** What kept it from looking everywhere. */
  readonly errors?: readonly (ProviderError & { readonly workerPoolId: string })[];
}

export interface SweptWorker extends WorkerRef {
  /**
   * `running`: it is there. `stopping`: it is about to go, whoever wants that. `gone`: it is there no more, what it had
   * claimed is given to others at once, and it can never come back.
   */
  readonly state: 'running' | 'stopping' | 'gone';
  /** Why it is not `running`, like `spot interruption`. */
  readonly reason?: string;
  /** It went or goes though nobody of us wanted it; counted as an interruption of its launch config. */
  readonly isInterrupted?: boolean;
  /** Replaces what is kept about it. */
  readonly facts?: WorkerFacts;
}

/** Names what is to be ended: by our name of it, and by what was kept. */
export interface WorkerToEnd extends WorkerRef {
  readonly facts: WorkerFacts;
}

export interface Stray extends WorkerToEnd {
  /** Of the order that it says it comes from. */
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

/** A few things that a provider knows until some time: JSON by name, for all its processes. */
export interface ProviderMemory {
  /** All that is known and has not ended. */
  recall(): Promise<ReadonlyMap<string, unknown>>;
  /** Replaces what was known by these names. */
  remember(
    things: readonly { readonly name: string; readonly value: unknown; readonly until: Date }[],
  ): Promise<void>;
  forget(names: readonly string[]): Promise<void>;
}
