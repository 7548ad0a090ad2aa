import type { WorkerState } from './schema/index.ts';

/** The provider of a pool that is winding down; the pool goes with its last worker. */
export const nullProviderId = 'null-provider';

/** A move of workers from some states to another. */
export interface Transition {
  readonly from: readonly WorkerState[];
  readonly to: WorkerState;
}

/** Every legal move of a worker. */
export const transitions = {
  /** It proves who it is; once more if its provider accepts that. */
  register: { from: ['requested', 'running'], to: 'running' },
  /** It is to go: by its provider's hand, or its provider has said so. */
  end: { from: ['requested', 'running'], to: 'stopping' },
  /** It is there no more. */
  vanish: { from: ['requested', 'running', 'stopping'], to: 'stopped' },
} as const satisfies Record<string, Transition>;

/** The two halves of the id of a pool. */
export const poolParts = (workerPoolId: string): { provisionerId: string; workerType: string } => {
  const [provisionerId = '', workerType = ''] = workerPoolId.split('/');
  return { provisionerId, workerType };
};

/** A worker as one string, in the order in which scopes name it. */
export const keyOf = (worker: {
  readonly workerPoolId: string;
  readonly workerGroup: string;
  readonly workerId: string;
}): string => `${worker.workerPoolId}/${worker.workerGroup}/${worker.workerId}`;

const reregistrationSeconds = 345_600;
const inactivitySeconds = 7200;

/** The time limits that a pool's config sets, in milliseconds. */
export const limitsOf = (config: Readonly<Record<string, unknown>>) => {
  const lifecycle = (config.lifecycle ?? {}) as {
    readonly registrationTimeout?: number;
    readonly reregistrationTimeout?: number;
    readonly queueInactivityTimeout?: number;
  };
  const reregistrationMs = 1000 * (lifecycle.reregistrationTimeout ?? reregistrationSeconds);
  return {
    reregistrationMs,
    /** From the request for a worker to its end, unless it registers. */
    registrationMs: Math.min(
      lifecycle.registrationTimeout === undefined ? reregistrationMs : 1000 * lifecycle.registrationTimeout,
      reregistrationMs,
    ),
    inactivityMs: 1000 * (lifecycle.queueInactivityTimeout ?? inactivitySeconds),
  };
};
