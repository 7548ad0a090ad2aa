/** The key of an artifact's bytes. */
export const bytesKey = (artifact: { taskId: string; runId: number; name: string }): string =>
  `${artifact.taskId}/${artifact.runId}/${artifact.name}`;

/** The run to which the bytes at a key belong; undefined when they do not belong to an artifact. */
export const runOfBytes = (key: string): { taskId: string; runId: number } | undefined => {
  const [, taskId, runId] = /^([A-Za-z0-9_-]{22})\/(\d+)\//.exec(key) ?? [];
  return taskId === undefined ? undefined : { taskId, runId: Number(runId) };
};

/** The name of an artifact in the object service. */
export const objectName = (artifact: { taskId: string; runId: number; name: string }): string =>
  `t/${bytesKey(artifact)}`;
