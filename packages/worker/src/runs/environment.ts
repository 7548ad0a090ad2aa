import { markerVariable } from '../engines/index.ts';
import type { Run } from './run.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * The whole environment of a task's commands. It is built from nothing: what the worker itself was started
 * with (credentials, a database's address) never reaches a task.
 */
export const taskEnvironment = (
  { tools, claim, taskDirectory }: Run,
  own: Readonly<Record<string, string>>,
  { container, environment }: Pick<Surroundings, 'container' | 'environment'>,
): Record<string, string> => ({
  // An image has its own places for programs, and one of the task's own shows nothing of this machine's at all.
  ...(tools.engine.containers ? {} : { PATH: tools.path }),
  ...(container ? {} : { HOME: taskDirectory, LANG: 'C.UTF-8' }),
  ...tools.environment,
  ...own,
  TASK_ID: claim.taskId,
  RUN_ID: String(claim.runId),
  TASK_GROUP_ID: claim.task.taskGroupId,
  TASKCLUSTER_ROOT_URL: tools.rootUrl,
  ...tools.whereabouts,
  ...environment,
  ...(container ? {} : { [markerVariable]: taskDirectory }),
});
