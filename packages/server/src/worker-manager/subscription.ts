import type { Transaction } from '../base/index.ts';
import type { Message, Subscription } from '../events/index.ts';
import { grouped } from './grouped.ts';
import { poolParts } from './lifecycle.ts';
import { addTaskTimes } from './store/index.ts';

/** The number of tasks that are remembered: their durations change in the course of a day. */
const tasksRememberedMax = 200;

interface Ending {
  readonly status: {
    readonly taskQueueId: string;
    readonly runs: readonly {
      readonly runId: number;
      readonly started?: string;
      readonly resolved?: string;
    }[];
  };
  readonly runId: number;
}

/** The duration of the run of a message; undefined when the run never began. */
const timeOf = ({ body }: Message): { workerPoolId: string; ms: number }[] => {
  const { status, runId } = body as Ending;
  const { started, resolved } = status.runs.find((run) => run.runId === runId) ?? {};
  if (started === undefined || resolved === undefined) return [];
  return [{ workerPoolId: status.taskQueueId, ms: Math.max(0, Date.parse(resolved) - Date.parse(started)) }];
};

const noteTimes = async (tx: Transaction, messages: readonly Message[]): Promise<void> => {
  const byPool = grouped(messages.flatMap(timeOf), ({ workerPoolId }) => workerPoolId);
  const times = [...byPool].map(([workerPoolId, runs]) => ({
    workerPoolId,
    tasks: runs.length,
    meanMs: runs.reduce((sum, { ms }) => sum + ms, 0) / runs.length,
  }));
  if (times.length > 0) await addTaskTimes(tx, times, tasksRememberedMax);
};

const bindingsOf = (workerPoolId: string) => {
  const { provisionerId, workerType } = poolParts(workerPoolId);
  return ['completed', 'failed'].map((name) => ({
    exchange: `exchange/taskcluster-queue/v1/task-${name}`,
    routingKeyPattern: `primary.*.*.*.*.${provisionerId}.${workerType}.#`,
  }));
};

/** Remembers how long tasks take, for the pools whose decisions need it: others cost nothing. */
export const createTimings = () => {
  let pools = '';
  let bindings: ReturnType<typeof bindingsOf> = [];
  const subscription: Subscription = {
    name: 'worker-manager',
    bindings: () => bindings,
    handle: noteTimes,
  };
  return {
    subscription,
    /** Sets the pools that are remembered. */
    follow: (workerPoolIds: readonly string[]): void => {
      if (workerPoolIds.join(' ') === pools) return;
      pools = workerPoolIds.join(' ');
      bindings = workerPoolIds.flatMap(bindingsOf);
    },
  };
};

export type Timings = ReturnType<typeof createTimings>;
