import { type Loop, localSignal, minutes, type Signal, seconds } from '../base/index.ts';
import { type BuiltInName, builtInNames, taskQueueOf } from './lifecycle.ts';
import { type BuiltInQueue, resolveLeftOver, resolvePending } from './service.ts';

const setSize = 100;

/** A worker: it waits at its queue like any other, within its step. */
const workerLoop = (queue: BuiltInQueue, pendingChanged: Signal, name: BuiltInName): Loop => {
  const wakeBy = localSignal();
  pendingChanged.each((taskQueueIds) => {
    if (taskQueueIds.length === 0 || taskQueueIds.includes(taskQueueOf(name))) wakeBy.wake();
  });
  return {
    name: `resolve-tasks-of-${name}`,
    everyMs: seconds(1),
    limit: setSize,
    wakeBy,
    step: (limit) => resolvePending(queue, name, limit),
  };
};

/** The work of the built-in workers. */
export const builtInLoops = (queue: BuiltInQueue, pendingChanged: Signal): readonly Loop[] =>
  builtInNames.flatMap((name) => [
    workerLoop(queue, pendingChanged, name),
    {
      name: `resolve-tasks-left-over-of-${name}`,
      everyMs: minutes(1),
      limit: setSize,
      step: (limit) => resolveLeftOver(queue, name, limit),
    },
  ]);
