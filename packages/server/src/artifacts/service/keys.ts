/** The key of an artifact's bytes. */
export const bytesKey = (artifact: { taskId: string; runId: number; name: string }): string =>
  `${artifact.taskId}/${artifact.runId}/${artifact.name}`;

/** The name of an artifact in the object service. */
export const objectName = (artifact: { taskId: string; runId: number; name: string }): string =>
  `t/${bytesKey(artifact)}`;
