import { logPrefix } from '../lifecycle.ts';
import type { Part } from '../store.ts';

/** The key of an artifact's bytes. */
export const bytesKey = (artifact: { taskId: string; runId: number; name: string }): string =>
  `${artifact.taskId}/${artifact.runId}/${artifact.name}`;

/** The run to which the bytes at a key belong; undefined when they do not belong to an artifact. */
export const runOfBytes = (key: string): { taskId: string; runId: number } | undefined => {
  const [, taskId, runId] = /^([A-Za-z0-9_-]{22})\/(\d+)\//.exec(key) ?? [];
  return taskId === undefined ? undefined : { taskId, runId: Number(runId) };
};

/** The part that stored bytes belong to; undefined when they are of no artifact. */
export const partOf = ({ name, isObject }: { name: string; isObject: boolean }): Part | undefined => {
  const key = !isObject ? name : name.startsWith('t/') ? name.slice('t/'.length) : '';
  const run = runOfBytes(key);
  return run && { ...run, isLog: key.startsWith(bytesKey({ ...run, name: logPrefix })) };
};

/** The name of an artifact in the object service. */
export const objectName = (artifact: { taskId: string; runId: number; name: string }): string =>
  `t/${bytesKey(artifact)}`;
