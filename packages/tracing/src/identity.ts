import { createHash } from 'node:crypto';
import type { TaskRef } from './tracing.ts';

const taskIdPattern = /^[A-Za-z0-9_-]{22}$/;

/** Whether a text can be the id of a task: 22 characters of base64url, a UUID. */
export const isTaskId = (text: string): boolean => taskIdPattern.test(text);

/** The task, or the run, that two words name. Undefined where the first can be no taskId; a word that is no runId is ignored. */
export const taskRefOf = (taskId = '', runId = ''): TaskRef | undefined =>
  isTaskId(taskId) ? { taskId, runId: /^\d{1,3}$/.test(runId) ? Number(runId) : undefined } : undefined;

/**
 * The id of a task's trace: the 16 bytes that its taskId spells. So each process knows it without being told, and no
 * message or schema has to carry it.
 */
export const traceIdOf = (taskId: string): string => Buffer.from(taskId, 'base64url').toString('hex');

/** The id of the span of a task, or of a run: the first 8 bytes of a SHA-256 of its name. */
export const spanIdOf = ({ taskId, runId }: TaskRef): string => {
  const name = runId === undefined ? taskId : `${taskId}/${runId}`;
  return createHash('sha256').update(name).digest('hex').slice(0, 16);
};
