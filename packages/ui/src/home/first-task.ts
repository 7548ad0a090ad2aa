import { type Queue, slugid } from '@taskyard/client/browser';

/** The queue of the worker that comes with `taskyard serve`. */
export const builtInTaskQueueId = 'local/built-in';

/** Creates a first task, which says something and ends; returns its id. */
export const createFirstTask = async (queue: Queue): Promise<string> => {
  const taskId = slugid();
  const now = Date.now();
  await queue.createTask(taskId, {
    taskQueueId: builtInTaskQueueId,
    created: new Date(now).toJSON(),
    deadline: new Date(now + 3600_000).toJSON(),
    payload: {
      command: [['sh', '-c', 'for i in 1 2 3; do echo "Hello from your first task, $i of 3"; sleep 1; done']],
      maxRunTime: 60,
    },
    metadata: {
      name: 'Your first task',
      description: 'Says hello three times. It was created by the button on the home page.',
      owner: 'somebody@example.com',
      source: window.location.origin,
    },
  });
  return taskId;
};
