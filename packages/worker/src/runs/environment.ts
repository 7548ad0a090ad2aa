import { markerVariable } from '../engines/index.ts';
import type { Run } from './run.ts';

/**
 * The whole environment of a task's commands. It is built from nothing: what the worker itself was started
 * with (credentials, a database's address) never reaches a task.
 */
export const taskEnvironment = (
  { tools, claim, taskDirectory }: Run,
  own: Readonly<Record<string, string>>,
): Record<string, string> => ({
  PATH: tools.path,
  HOME: taskDirectory,
  LANG: 'C.UTF-8',
  ...own,
  TASK_ID: claim.taskId,
  RUN_ID: String(claim.runId),
  TASK_GROUP_ID: claim.task.taskGroupId,
  TASKCLUSTER_ROOT_URL: tools.rootUrl,
  [markerVariable]: taskDirectory,
});
