import { readPayload } from '../payload/index.ts';
import type { Run } from './run.ts';

/** What the payload of a run asks of this worker, or what is wrong with it. */
export const readRun = ({ tools, claim }: Run): ReturnType<typeof readPayload> => {
  const { task } = claim;
  return readPayload(task.payload, {
    deadline: new Date(task.deadline),
    expires: new Date(task.expires ?? task.deadline),
    dependencies: task.dependencies,
    taskQueueId: tools.identity.taskQueueId,
    maxRunTimeSecondsMax: tools.maxRunTimeSecondsMax,
    abilities: {
      containers: tools.engine.containers,
      features: tools.features,
      refusalOfPath: (place) => tools.engine.outside?.refusal(place),
    },
  });
};
