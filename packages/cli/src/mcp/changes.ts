import * as z from 'zod';
import { failedIn, rerunFailed } from '../repeat.ts';
import { type Tool, taskGroupId, taskId, tool } from './tools.ts';

const change = { changes: true } as const;

/** What changes something, for agents that are allowed to. */
export const changeTools: readonly Tool[] = [
  tool({
    ...change,
    name: 'rerun_task',
    title: 'Run a task again',
    description: 'Adds a run to a task that has ended. What waits for it goes on when that completes.',
    input: z.object({ taskId }),
    run: ({ queue }, { taskId: id }) => queue.rerunTask(id),
  }),
  tool({
    ...change,
    name: 'rerun_failed',
    title: 'Run again what failed in a group',
    description:
      'Adds a run to each task of the group that failed; what waits for those goes on when they complete.',
    input: z.object({ taskGroupId }),
    run: async ({ queue }, { taskGroupId: id }) => {
      const { failed } = await failedIn(queue, id);
      const taskIds = failed.map(({ status }) => status.taskId);
      if (taskIds.length > 0) await rerunFailed(queue, id, taskIds);
      return { taskIds };
    },
  }),
  tool({
    ...change,
    name: 'cancel_task',
    title: 'Cancel a task',
    description: 'Ends a task that is not over: its worker stops it, and what needs it does not start.',
    input: z.object({ taskId }),
    run: ({ queue }, { taskId: id }) => queue.cancelTask(id),
  }),
];
