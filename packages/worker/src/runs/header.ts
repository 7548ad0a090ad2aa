import { arch, availableParallelism, release, type as systemName, totalmem } from 'node:os';
import type { Run } from './run.ts';

/** Writes the first lines of a log: the task, the worker and the machine. */
export const writeHeader = ({ log, claim, tools }: Run): void => {
  const { workerGroup, workerId, taskQueueId } = tools.identity;
  const gibibytes = (totalmem() / 1024 ** 3).toFixed(1);
  log.info(`Task ${claim.taskId}, run ${claim.runId}: ${claim.task.metadata.name}`);
  log.info(`Worker ${workerGroup}/${workerId} of ${taskQueueId}, engine ${tools.engine.name}`);
  log.info(
    `Machine: ${systemName()} ${release()} on ${arch()}, ${availableParallelism()} processors, ${gibibytes} GiB`,
  );
  for (const [name, value] of Object.entries(tools.whereabouts)) log.info(`${name}: ${value}`);
};
