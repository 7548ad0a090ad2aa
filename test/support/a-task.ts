import { type CreateTaskRequest, fromNow } from '@taskyard/client';

/** A task with few fields, whose deadline is in an hour, and the given ones. */
export const aTask = (
  { taskQueueId, name = 'a task' }: { readonly taskQueueId: string; readonly name?: string },
  more: Partial<CreateTaskRequest> = {},
): CreateTaskRequest => ({
  taskQueueId,
  created: new Date().toJSON(),
  deadline: fromNow('1 hour').toJSON(),
  payload: {},
  metadata: { name, description: '', owner: 'a@example.com', source: 'https://example.com/' },
  ...more,
});
