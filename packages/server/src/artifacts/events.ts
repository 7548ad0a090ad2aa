import { type Message, routingKey } from '../events/index.ts';
import type { StatusWithLabels } from '../queue/index.ts';
import type { Artifact } from './lifecycle.ts';

/** An artifact can be read. */
export const artifactCreated = (
  { runId, storageType, name, expires, contentType }: Artifact,
  { tags: _tags, routes, ...status }: StatusWithLabels,
): Message => {
  const { workerGroup, workerId } = status.runs[runId] ?? {};
  return {
    exchange: 'exchange/taskcluster-queue/v1/artifact-created',
    routingKey: routingKey([
      'primary',
      status.taskId,
      runId,
      workerGroup,
      workerId,
      status.provisionerId,
      status.workerType,
      status.schedulerId,
      status.taskGroupId,
      undefined,
    ]),
    routes,
    body: {
      version: 1,
      status,
      runId,
      workerGroup,
      workerId,
      artifact: { storageType, name, expires: expires.toJSON(), contentType },
    },
  };
};
