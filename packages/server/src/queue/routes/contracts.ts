import { JsonText, parameters, routeFor } from '../../http/index.ts';
import type { TaskRecord } from '../record.ts';
import { statusText } from '../record.ts';
import type { QueueVerbs } from '../service/index.ts';

/** The services that the handlers of the queue use. */
export interface QueueServices {
  readonly queue: QueueVerbs;
}

export const endpoint = routeFor<QueueServices>();

export const taskParams = { taskId: parameters.slugid };
export const groupParams = { taskGroupId: parameters.slugid };
export const runParams = { taskId: parameters.slugid, runId: parameters.runId };
export const queueParams = { taskQueueId: parameters.taskQueueId };

/** The reply of most methods that change a task. */
export const statusReply = (record: TaskRecord): JsonText => new JsonText(`{"status":${statusText(record)}}`);

/** JSON text as a reply. */
export const textReply = (text: string): JsonText => new JsonText(text);
