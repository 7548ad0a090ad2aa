import type { WorkerFacts, WorkerName } from './facts.ts';

/** What to do with one worker. */
export type WorkerAction =
  /** Tell it to end when it asks. */
  | 'may-leave'
  /** Take that back. */
  | 'stay'
  /** End it now; before that it is checked again that it runs nothing. */
  | 'terminate'
  /** Give it no more tasks; it ends with its last. */
  | 'drain'
  /** Give it tasks again. */
  | 'resume';

/** One thing that is to be done, and why. `wait` says why nothing is started. */
export type Decision =
  | {
      readonly action: 'launch';
      readonly launchConfigId: string;
      /** Workers, not capacity. */
      readonly count: number;
      readonly reason: string;
    }
  | {
      readonly action: WorkerAction;
      readonly worker: WorkerName;
      readonly count: 1;
      readonly reason: string;
    }
  | { readonly action: 'wait'; readonly count: 0; readonly reason: string };

export const aboutWorker = (
  action: WorkerAction,
  { workerGroup, workerId }: WorkerFacts,
  reason: string,
): Decision => ({
  action,
  worker: { workerGroup, workerId },
  count: 1,
  reason,
});

/** `1 task`, `2 tasks` */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

export const sum = <T>(items: readonly T[], numberOf: (item: T) => number): number => {
  let total = 0;
  for (const item of items) total += numberOf(item);
  return total;
};

/** `90 s`, `5 min` */
export const lasting = (ms: number): string =>
  ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
